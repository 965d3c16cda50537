/// Tensors from and to plain values.
module NtmLab.Tests.Tensors

#nowarn 9 // Addresses are looked at, and nothing is read or written there.

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open NtmLab
open TorchSharp

/// Doubles uniform in [low, high) from an explicit stream.
let uniform (random: RandomStream) (low: float) (high: float) (shape: int list) : torch.Tensor =
    let values = Array.init (List.fold (*) 1 shape) (fun _ -> random.NextUniform(low, high))
    torch.tensor (values, ReadOnlySpan<int64>(shape |> List.map int64 |> List.toArray))

/// Weightings that are positive and sum to 1 over the last dimension, `[batch, heads, slots]`.
let weightings (random: RandomStream) (shape: int list) : torch.Tensor =
    let raw = uniform random 0.05 1.0 shape
    raw / raw.sum (-1L, true)

/// Doubles from a nested list of known values, `[1, rows, columns]`.
let rows (values: float list list) : torch.Tensor =
    let flat = values |> List.concat |> List.toArray
    torch.tensor (flat, 1L, int64 values.Length, int64 values.Head.Length)

/// Adds a number to every value of a tensor, in its place. The numbers are held until the call returns: they would be freed under it
/// when garbage is collected meanwhile.
let addNumber (number: float) (tensor: torch.Tensor) : unit =
    use term = number.ToScalar()
    use factor = (1.0).ToScalar()
    tensor.add_ (term, factor) |> ignore

/// All values in order, as doubles.
let values (tensor: torch.Tensor) : float[] =
    use scope = torch.NewDisposeScope()

    if tensor.numel () = 0L then
        [||]
    else
        tensor.detach().``to``(torch.float64).cpu().contiguous().data<float>().ToArray()

/// Rows of a length, of which there may be none and which may be empty.
let private inRows (count: int64) (length: int64) (values: 'T[]) : 'T[][] =
    Array.init (int count) (fun row -> Array.sub values (row * int length) (int length))

/// All values of `[a, b]`, by index.
let values2 (tensor: torch.Tensor) : float[][] = values tensor |> inRows tensor.shape[0] tensor.shape[1]

/// All values of `[a, b, c]`, by index.
let values3 (tensor: torch.Tensor) : float[][][] =
    let shape = tensor.shape

    values tensor
    |> inRows (shape[0] * shape[1]) shape[2]
    |> inRows shape[0] shape[1]

/// The exact bits, for comparisons that allow no rounding.
let bits (tensor: torch.Tensor) : byte[] =
    use scope = torch.NewDisposeScope()
    tensor.detach().cpu().contiguous().bytes.ToArray()

/// Whether a tensor begins as all do that libtorch allocates, at a multiple of 64 bytes.
let isAligned (tensor: torch.Tensor) : bool =
    let first = UIntPtr(Unsafe.AsPointer(&MemoryMarshal.GetReference tensor.bytes))
    first % 64un = 0un

/// The largest absolute difference of two tensors of the same shape; infinite if anything is not a number.
let distance (a: torch.Tensor) (b: torch.Tensor) : float =
    if a.shape <> b.shape then
        failwith $"shapes differ: %A{a.shape} and %A{b.shape}"

    Array.fold2
        (fun largest x y ->
            let difference = abs (x - y)

            if Double.IsNaN difference then
                infinity
            else
                max largest difference)
        0.0
        (values a)
        (values b)

/// A module's parameter by name.
let parameter (model: torch.nn.Module) (name: string) : torch.Tensor =
    match model.get_parameter name with
    | null -> failwith $"there is no parameter {name}"
    | parameter -> parameter

/// The gradient that a backward pass left.
let gradient (tensor: torch.Tensor) : torch.Tensor =
    match tensor.grad with
    | null -> failwith "no gradient reached this tensor"
    | gradient -> gradient
