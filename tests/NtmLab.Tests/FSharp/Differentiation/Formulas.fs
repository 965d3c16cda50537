/// Functions whose derivatives are known, and how results are compared with them.
module NtmLab.Tests.FSharp.Differentiation.Formulas

open System
open Expecto
open NtmLab.Tests
open TorchSharp

let number (value: float) : torch.Tensor = torch.tensor value

let vector (values: float list) : torch.Tensor = torch.tensor (List.toArray values)

let matrix (rows: float list list) : torch.Tensor = (Tensors.rows rows).squeeze 0L

/// Requires equal shapes, and equal values but for rounding in double precision.
let same (actual: torch.Tensor) (expected: torch.Tensor) (what: string) : unit =
    Expect.equal actual.shape expected.shape $"{what}: shape"
    let size = Tensors.values expected |> Array.fold (fun most x -> max most (abs x)) 1.0
    Expect.isLessThan (Tensors.distance actual expected) (1e-11 * size) what

/// Runs a test in a dispose scope of its own.
let scoped (name: string) (body: unit -> unit) : Test =
    testCase name (fun () ->
        use scope = torch.NewDisposeScope()
        body ())

/// x^5.
let fifth (x: torch.Tensor) : torch.Tensor = x * x * x * x * x

/// (1 - x)^2 + 100 (y - x^2)^2.
let rosenbrock (p: torch.Tensor) : torch.Tensor =
    let x, y = p[0L], p[1L]
    (number 1.0 - x).square() + number 100.0 * (y - x.square ()).square()

/// The gradient of Rosenbrock's valley.
let rosenbrockGradient (x: float) (y: float) : torch.Tensor =
    vector [ -2.0 * (1.0 - x) - 400.0 * x * (y - x * x); 200.0 * (y - x * x) ]

/// The Hessian of Rosenbrock's valley.
let rosenbrockHessian (x: float) (y: float) : torch.Tensor =
    matrix [ [ 1200.0 * x * x - 400.0 * y + 2.0; -400.0 * x ]; [ -400.0 * x; 200.0 ] ]

/// x^T A x.
let quadratic (a: torch.Tensor) (x: torch.Tensor) : torch.Tensor = x.dot (a.mv x)

/// Central differences of a function, one column for each value of x: [values of f(x), values of x].
let differences (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    use noGradient = torch.no_grad ()
    let step = 1e-5
    let values = Tensors.values x

    let moved (place: int) (by: float) =
        let other = values |> Array.mapi (fun i value -> if i = place then value + by else value)
        (f (torch.tensor (other, ReadOnlySpan<int64> x.shape))).reshape -1L

    let column place = (moved place step - moved place -step) * number (0.5 / step)

    torch.stack ([| for place in 0 .. values.Length - 1 -> column place |], 1L)

/// Requires values as central differences give them.
let near (actual: torch.Tensor) (numeric: torch.Tensor) (what: string) : unit =
    Expect.equal actual.shape numeric.shape $"{what}: shape"
    let size = Tensors.values numeric |> Array.fold (fun most x -> max most (abs x)) 1.0
    Expect.isLessThan (Tensors.distance actual numeric) (1e-7 * size) what
