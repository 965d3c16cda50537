module NtmLab.Tests.Models.ControllerTests

open System
open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open TorchSharp
open type TorchSharp.torch.nn

let private build (options: ControllerOptions) (inputWidth: int) : Controller =
    options.Build(inputWidth, RandomStream(3UL, "controller")).``to`` torch.float64

/// The outputs of all steps, `[batch, time, units]`.
let private run (controller: Controller) (input: torch.Tensor) : torch.Tensor =
    let mutable state = controller.Start input.shape[0]

    let outputs = [|
        for step in input.unbind 1L do
            let struct (output, next) = controller.Step(step, state)
            state <- next
            output
    |]

    torch.stack (outputs, 1L)

let private input (inputWidth: int) : torch.Tensor =
    Tensors.uniform (RandomStream(4UL, "input")) -1.0 1.0 [ 2; 4; inputWidth ]

/// libtorch's LSTM with the controller's weights, and zeros as its second biases.
let private twin (controller: LstmController) (inputWidth: int) (layers: int) : Modules.LSTM =
    let lstm =
        LSTM(int64 inputWidth, int64 controller.Units, int64 layers, batchFirst = true, dtype = torch.float64)

    use noGradient = torch.no_grad ()

    for layer in 0 .. layers - 1 do
        for theirs, ours in
            [ "weight_ih_l", "input_weight_"; "weight_hh_l", "hidden_weight_"; "bias_ih_l", "bias_" ] do
            let ours = Tensors.parameter controller $"{ours}{layer}"
            (Tensors.parameter lstm $"{theirs}{layer}").copy_ ours |> ignore

        (Tensors.parameter lstm $"bias_hh_l{layer}").zero_() |> ignore

    lstm

let private runTwin (lstm: Modules.LSTM) (controller: LstmController) (layers: int) (input: torch.Tensor) =
    let batch = input.shape[0]

    let start (name: string) =
        torch
            .stack([| for layer in 0 .. layers - 1 -> Tensors.parameter controller $"{name}_{layer}" |])
            .detach()
            .unsqueeze(1L)
            .expand(int64 layers, batch, int64 controller.Units)
            .contiguous()

    let states = struct (start "initial_hidden", start "initial_cell")

    // The compiler takes a nullable pair for a pair of nullables.
    #nowarn 3261
    let struct (output, _, _) = lstm.call (input, Nullable states)
    #warnon 3261

    output

let private equalsLibtorch (layers: int) : Test =
    testList $"an LSTM of {layers} layers" [
        test "gives the outputs of libtorch's LSTM" {
            let inputWidth = 3
            let controller = build (Samples.lstm 5 layers) inputWidth :?> LstmController
            let x = input inputWidth
            let theirs = runTwin (twin controller inputWidth layers) controller layers x
            Expect.isLessThan (Tensors.distance (run controller x) theirs) 1e-12 "in every step"
        }

        test "gives the gradients of libtorch's LSTM" {
            let inputWidth = 3
            let controller = build (Samples.lstm 5 layers) inputWidth :?> LstmController
            let lstm = twin controller inputWidth layers
            let ours = (input inputWidth).requires_grad_ true
            let theirs = (input inputWidth).requires_grad_ true
            (GradientCheck.scalar (run controller ours)).backward()
            (GradientCheck.scalar (runTwin lstm controller layers theirs)).backward()

            let differences = [
                "input", Tensors.distance (Tensors.gradient ours) (Tensors.gradient theirs)
                for layer in 0 .. layers - 1 do
                    for a, b in
                        [
                            "input_weight_", "weight_ih_l"
                            "hidden_weight_", "weight_hh_l"
                            "bias_", "bias_ih_l"
                        ] do
                        let a, b = $"{a}{layer}", $"{b}{layer}"
                        let gradient model name = Tensors.gradient (Tensors.parameter model name)
                        a, Tensors.distance (gradient controller a) (gradient lstm b)
            ]

            for name, difference in differences do
                Expect.isLessThan difference 1e-12 $"the gradient of {name}"
        }
    ]

let private everyController =
    testList "every controller" [
        for name, options in
            [
                "an LSTM", Samples.lstm 5 1
                "a two-layer LSTM", Samples.lstm 3 2
                "a feed-forward controller", Samples.feedForward 5
            ] do
            test $"{name}'s gradients are those of finite differences" {
                let controller = build options 3
                let x = input 3

                GradientCheck.checkAll (("input", x) :: GradientCheck.parameters controller) (fun () ->
                    run controller x)
            }

            test $"{name}'s state has the size it reports" {
                let controller = build options 3
                let carried = controller.Start 1L |> Seq.sumBy _.numel()
                Expect.equal carried controller.StateSize "values for one sequence"
            }

            test $"{name}'s multiply-adds are the sizes of its matrices" {
                let controller = build options 3

                let matrices =
                    GradientCheck.parameters controller
                    |> List.filter (fun (name, _) -> name.Contains "weight")

                Expect.equal
                    controller.MultiplyAddsPerStep
                    (matrices |> List.sumBy (fun (_, w) -> w.numel ()))
                    "per step"
            }
    ]

let tests =
    testList "Controller" [
        equalsLibtorch 1
        equalsLibtorch 2
        everyController

        test "a feed-forward controller computes tanh(W x + b)" {
            let controller = build (Samples.feedForward 4) 3
            let parameters = GradientCheck.parameters controller |> Map.ofList
            let x = (input 3).select(1L, 0L)
            let struct (output, _) = controller.Step(x, controller.Start 2L)
            let expected = (x.matmul (parameters["input_weight"].t()) + parameters["bias"]).tanh()
            Expect.isLessThan (Tensors.distance output expected) 1e-15 "one layer"
        }

        test "a feed-forward controller remembers nothing" {
            let controller = build (Samples.feedForward 4) 3
            let x = input 3
            let last = (run controller x).select(1L, 3L)
            let struct (alone, _) = controller.Step(x.select (1L, 3L), controller.Start 2L)
            Expect.equal (Tensors.bits last) (Tensors.bits alone) "the past does not matter"
        }

        test "only the forget gates start with a bias" {
            let options = LstmControllerOptions(Units = 3, ForgetBias = 1.5f)
            let controller = options.Build(2, RandomStream(1UL, "x"))
            let bias = Tensors.values (Tensors.parameter controller "bias_0")

            Expect.equal
                bias
                [| 0.0; 0.0; 0.0; 1.5; 1.5; 1.5; 0.0; 0.0; 0.0; 0.0; 0.0; 0.0 |]
                "input, forget, cell, output"
        }
    ]
