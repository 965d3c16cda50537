/// Compares autograd's gradients with central finite differences, value by value, in double precision.
module NtmLab.Tests.GradientCheck

open System
open Expecto
open TorchSharp

/// Half the distance of the two points of a difference; rounding and truncation errors balance near here.
let private step = 1e-5

/// Allowed difference: of rounding near zero, and relative to the gradient elsewhere.
let private tolerance (a: float) (b: float) = 2e-8 + 2e-6 * max (abs a) (abs b)

let private fixedWeights (output: torch.Tensor) : torch.Tensor =
    // An uneven sum, so that errors of different outputs cannot cancel.
    let weights = [| for i in 1L .. output.numel () -> 1.5 + cos (0.7 * float i) |]
    torch.tensor (weights, ReadOnlySpan<int64> output.shape)

/// Any output as a scalar that depends on all of its values.
let scalar (output: torch.Tensor) : torch.Tensor = (output * fixedWeights output).sum()

let private numeric (value: torch.Tensor) (f: unit -> torch.Tensor) : float[] =
    use noGradient = torch.no_grad ()
    let flat = value.detach().view -1L

    // The number is held until the call returns: it would be freed under it when garbage is collected meanwhile.
    let set (i: int64) (x: float) =
        use number = x.ToScalar()
        flat[i].fill_ number |> ignore

    let at (i: int64) (x: float) =
        use scope = torch.NewDisposeScope()
        set i x
        f().ToDouble()

    [|
        for i in 0L .. value.numel () - 1L do
            let original = flat[i].ToDouble()
            let difference = at i (original + step) - at i (original - step)
            set i original
            difference / (2.0 * step)
    |]

/// Requires that the gradient of a scalar function is the right one in every value of every variable.
/// Variables: leaves in double precision that the function closes over, each with its name for messages.
let check (variables: (string * torch.Tensor) list) (f: unit -> torch.Tensor) : unit =
    use scope = torch.NewDisposeScope()

    for _, variable in variables do
        variable.requires_grad_ true |> ignore

        match variable.grad with
        | null -> ()
        | gradient -> gradient.zero_ () |> ignore

    f().backward()

    for name, variable in variables do
        let analytic =
            match variable.grad with
            | null -> Array.zeroCreate (int (variable.numel ()))
            | gradient -> Tensors.values gradient

        let numeric = numeric variable f

        for i in 0 .. numeric.Length - 1 do
            let error = abs (analytic[i] - numeric[i])

            if not (error <= tolerance analytic[i] numeric[i]) then
                failtest
                    $"{name}, value {i} of {numeric.Length}: autograd {analytic[i]:R}, differences {numeric[i]:R}"

/// The same for a function with an output of any shape.
let checkAll (variables: (string * torch.Tensor) list) (f: unit -> torch.Tensor) : unit =
    check variables (f >> scalar)

/// All parameters of a module as variables.
let parameters (model: torch.nn.Module) : (string * torch.Tensor) list = [
    for struct (name, parameter) in model.named_parameters () -> name, parameter :> torch.Tensor
]
