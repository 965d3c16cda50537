/// What all derivatives share: the reverse pass, what of it is recorded, and what survives it.
module internal NtmLab.Differentiation.Autograd

open System
open System.Runtime.InteropServices
open System.Threading
open NtmLab
open TorchSharp

/// The reverse pass in TorchScript. A fault in it comes back as an exception, where one in TorchSharp's own
/// torch.autograd.grad ends the process; and an input that the output does not depend on gets zeros.
let private script =
    lazy
        (torch.jit.compile
            """
def pull(output: Tensor, seed: Tensor, inputs: List[Tensor], record: bool) -> List[Tensor]:
    seeds: List[Optional[Tensor]] = [seed]
    found = torch.autograd.grad([output], inputs, seeds, True, record, True)
    result: List[Tensor] = []
    for i in range(len(inputs)):
        gradient = found[i]
        if gradient is None:
            result.append(torch.zeros_like(inputs[i]))
        else:
            result.append(gradient)
    return result
""")

/// The sentence of libtorch's report that says what is wrong.
let private reason (fault: exn) : string =
    let report = (fault.Message.Split "RuntimeError: ") |> Array.last
    let line = report.Split('\n')[0]
    let sentence = line.Split(". ")[0]
    sentence.TrimEnd '.'

/// J^T seed for each input, where J is the Jacobian of the output by that input.
/// Inputs are what requires gradients; a pass that is recorded can be differentiated again.
let pullAll
    (owner: string)
    (recorded: bool)
    (output: torch.Tensor)
    (seed: torch.Tensor)
    (inputs: torch.Tensor[])
    : torch.Tensor[] =
    if not output.requires_grad then
        inputs |> Array.map torch.zeros_like
    else
        try
            let results = script.Value.invoke<torch.Tensor[]>("pull", output, seed, inputs, recorded)

            // The call has their handles only.
            GC.KeepAlive(struct (output, seed, inputs))
            results
        with :? ExternalException as fault ->
            raise (DifferentiationException($"{owner}: autograd cannot go on: {reason fault}.", fault))

/// J^T seed for one input.
let pull
    (owner: string)
    (recorded: bool)
    (output: torch.Tensor)
    (seed: torch.Tensor)
    (input: torch.Tensor)
    : torch.Tensor =
    (pullAll owner recorded output seed [| input |])[0]

/// How many derivatives are under way around this place in the program.
/// Within one, results stay differentiable even where their own arguments are constants: a function may have
/// captured what the derivative around it varies.
let private nesting = AsyncLocal<int>()

/// Calls a user's function as one that is being differentiated.
let call (f: unit -> torch.Tensor) : torch.Tensor =
    nesting.Value <- nesting.Value + 1

    try
        f ()
    finally
        nesting.Value <- nesting.Value - 1

/// Runs work with everything recorded, and frees all tensors that it makes but its results, which each maps one by one.
/// Results carry a graph if they are to be differentiated again, which the work is told; else they are plain values.
let run
    (each: (torch.Tensor -> torch.Tensor) -> 'results -> 'results)
    (arguments: torch.Tensor list)
    (work: bool -> 'results)
    : 'results =
    let tracked =
        torch.is_grad_enabled ()
        && (nesting.Value > 0 || arguments |> List.exists _.requires_grad)

    use scope = torch.NewDisposeScope()
    use outsideInference = torch.inference_mode false
    use recording = torch.enable_grad true

    // A copy: the result itself may be a captured tensor, an argument, or one number seen as many.
    let survivor (result: torch.Tensor) =
        (if tracked then result else result.detach ()).clone().MoveToOuterDisposeScope()

    work tracked |> each survivor

/// An argument as a node of its own; one made in inference mode could not be recorded.
let own (tracked: bool) (argument: torch.Tensor) : torch.Tensor =
    (if tracked then argument else argument.detach ()).clone()

/// Requires values that can be differentiated: floating-point numbers, at least one.
let requireValues (owner: string) (name: string) (tensor: torch.Tensor) : unit =
    if not (torch.is_floating_point tensor) then
        raise (ShapeException $"{owner}: {name} is of type {tensor.dtype}; a floating-point type is wanted.")

    if tensor.numel () = 0L then
        raise (ShapeException $"{owner}: {name} has no values; 1 or more are wanted.")

/// Requires a tensor of a shape; Shape.Any stands for any size.
let requireShape (owner: string) (name: string) (wanted: int64[]) (tensor: torch.Tensor) : unit =
    Shape.Require(owner, name, tensor, ReadOnlySpan<int64> wanted) |> ignore

/// Requires a tensor with the shape and type of another one.
let requireLike (owner: string) (name: string) (like: torch.Tensor) (tensor: torch.Tensor) : unit =
    requireShape owner name like.shape tensor

    if tensor.dtype <> like.dtype then
        raise (ShapeException $"{owner}: {name} is of type {tensor.dtype}; {like.dtype} is wanted.")

/// Requires a scalar; gives the seed of its reverse pass.
let seedOfScalar (owner: string) (name: string) (tensor: torch.Tensor) : torch.Tensor =
    requireShape owner $"the scalar {name}" [||] tensor
    torch.ones_like tensor
