// Derivatives as functions of functions: of a formula, and of the loss of a small model by its parameters.
#load "prelude.fsx"

open NtmLab
open NtmLab.Configuration
open NtmLab.Differentiation
open NtmLab.Models
open NtmLab.Tasks
open TorchSharp

// One thread: these tensors are too small for more.
Machine.prepare (ComputeOptions(Threads = 1)) |> ignore

let number (value: float) : torch.Tensor = torch.tensor value
let one, hundred = number 1.0, number 100.0

/// Rosenbrock's valley, with its minimum at (1, 1).
let rosenbrock (p: torch.Tensor) : torch.Tensor =
    let x, y = p[0L], p[1L]
    (one - x).square() + hundred * (y - x.square ()).square()

let formula () =
    use scope = torch.NewDisposeScope()
    let start = torch.tensor [| -1.2; 1.0 |]
    let value, gradient, curvature = fgradhessian rosenbrock start
    printfn "Rosenbrock at (-1.2, 1): %.1f" (value.ToDouble())
    printfn "gradient: %A" (gradient.data<float>().ToArray())
    printfn "hessian, row by row: %A" (curvature.data<float>().ToArray())
    let step = torch.linalg.solve (curvature, gradient)
    printfn "after one step of Newton's method: %.3f" ((rosenbrock (start - step)).ToDouble())

let model =
    NtmOptions(Controller = lstm 8, Slots = 8, Width = 4).Build(4, 3, RandomStream(1UL, "model"))

let task = CopyTask(Bits = 3, MaxLength = 4)
let batch = task.Generate(RandomStream(1UL, "batch"), 8, 4)
let loss () : torch.Tensor = task.Loss(model.Forward batch.Input, batch)

let norm (parts: (string * torch.Tensor) list) : float =
    sqrt (parts |> List.sumBy (fun (_, part) -> part.square().sum().ToDouble()))

/// The largest curvature of the loss, by power iteration from a direction.
let rec largestCurvature (steps: int) (direction: (string * torch.Tensor) list) : float =
    let size = (1.0 / norm direction).ToScalar()
    let product = hessianProducts model loss [ for name, part in direction -> name, part * size ]

    if steps = 0 then
        norm product
    else
        largestCurvature (steps - 1) product

let parameters () =
    use scope = torch.NewDisposeScope()
    let value, gradient = fgradients model loss
    printfn "\nloss of an untrained NTM: %.3f nats per sequence; norm of its gradient:" (value.ToDouble())

    for name, part in gradient do
        printfn "  %-28s %.4f" name (part.norm().ToDouble())

    printfn "largest curvature of the loss: %.3f" (largestCurvature 20 gradient)

formula ()
parameters ()
