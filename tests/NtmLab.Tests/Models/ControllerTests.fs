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

/// One of libtorch's own modules with a controller's weights.
type private Twin = { Module: torch.nn.Module; Run: torch.Tensor -> torch.Tensor }

/// The trained first states of all layers, `[layers, batch, units]`.
let private firstStates (controller: Controller) (name: string) (batch: int64) : torch.Tensor =
    torch
        .stack(
            [| for layer in 0 .. controller.Layers - 1 -> Tensors.parameter controller $"{name}_{layer}" |]
        )
        .detach()
        .unsqueeze(1L)
        .expand(int64 controller.Layers, batch, int64 controller.Units)
        .contiguous()

let private twin (controller: Controller) (inputWidth: int) : Twin =
    let width, units, layers = int64 inputWidth, int64 controller.Units, int64 controller.Layers
    let hidden (x: torch.Tensor) = firstStates controller "initial_hidden" x.shape[0]

    let twin =
        match controller with
        | :? LstmController ->
            let lstm = LSTM(width, units, layers, batchFirst = true, dtype = torch.float64)

            let run (x: torch.Tensor) =
                let states = struct (hidden x, firstStates controller "initial_cell" x.shape[0])
                // The compiler takes a nullable pair for a pair of nullables.
                #nowarn 3261
                let struct (output, _, _) = lstm.call (x, Nullable states)
                #warnon 3261
                output

            { Module = lstm; Run = run }
        | :? GruController ->
            let gru = GRU(width, units, layers, batchFirst = true, dtype = torch.float64)

            let run (x: torch.Tensor) =
                let struct (output, _) = gru.call (x, hidden x)
                output

            { Module = gru; Run = run }
        | _ ->
            let rnn = RNN(width, units, layers, batchFirst = true, dtype = torch.float64)

            let run (x: torch.Tensor) =
                let struct (output, _) = rnn.call (x, hidden x)
                output

            { Module = rnn; Run = run }

    use noGradient = torch.no_grad ()

    for layer in 0 .. controller.Layers - 1 do
        for theirs, ours in
            [ "weight_ih_l", "input_weight_"; "weight_hh_l", "hidden_weight_"; "bias_ih_l", "bias_" ] do
            let ours = Tensors.parameter controller $"{ours}{layer}"
            (Tensors.parameter twin.Module $"{theirs}{layer}").copy_ ours |> ignore

        let second = (Tensors.parameter twin.Module $"bias_hh_l{layer}").zero_()

        match controller.Find("candidate_bias", layer) with
        | null -> ()
        | bias -> second.narrow(0L, 2L * units, units).copy_ bias |> ignore

    twin

let private equalsLibtorch (name: string) (options: ControllerOptions) : Test =
    let inputWidth = 3

    let stirred () =
        let controller = build options inputWidth
        use noGradient = torch.no_grad ()

        for layer in 0 .. options.Layers - 1 do
            match controller.Find("candidate_bias", layer) with
            | null -> ()
            | bias -> bias.fill_ 0.3 |> ignore

        controller

    testList name [
        test "gives the outputs of libtorch's own" {
            let controller = stirred ()
            let x = input inputWidth
            let theirs = (twin controller inputWidth).Run x
            Expect.isLessThan (Tensors.distance (run controller x) theirs) 1e-12 "in every step"
        }

        test "gives the gradients of libtorch's own" {
            let controller = stirred ()
            let theirs = twin controller inputWidth
            let x = (input inputWidth).requires_grad_ true
            let y = (input inputWidth).requires_grad_ true
            (GradientCheck.scalar (run controller x)).backward()
            (GradientCheck.scalar (theirs.Run y)).backward()

            let differences = [
                "input", Tensors.distance (Tensors.gradient x) (Tensors.gradient y)
                for layer in 0 .. options.Layers - 1 do
                    for a, b in
                        [
                            "input_weight_", "weight_ih_l"
                            "hidden_weight_", "weight_hh_l"
                            "bias_", "bias_ih_l"
                        ] do
                        let a, b = $"{a}{layer}", $"{b}{layer}"
                        let gradient owner name = Tensors.gradient (Tensors.parameter owner name)
                        a, Tensors.distance (gradient controller a) (gradient theirs.Module b)
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
                "a GRU", GruControllerOptions(Units = 5)
                "a two-layer GRU", GruControllerOptions(Units = 3, Layers = 2)
                "a plain recurrent controller", RnnControllerOptions(Units = 5)
                "a feed-forward controller", Samples.feedForward 5
                "a two-layer feed-forward controller", FeedForwardControllerOptions(Units = 4, Layers = 2)
            ] do
            test $"{name}'s gradients are those of finite differences" {
                let controller = build options 3
                let x = input 3

                GradientCheck.checkAll (("input", x) :: GradientCheck.parameters controller) (fun () ->
                    run controller x)
            }

            test $"{name}'s state has the size it reports" {
                let controller = build options 3
                let carried = (controller.Start 1L).Tensors |> Seq.sumBy _.numel()
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
        equalsLibtorch "an LSTM" (Samples.lstm 5 1)
        equalsLibtorch "a two-layer LSTM" (Samples.lstm 5 2)
        equalsLibtorch "a GRU" (GruControllerOptions(Units = 5))
        equalsLibtorch "a two-layer GRU" (GruControllerOptions(Units = 5, Layers = 2))
        equalsLibtorch "a plain recurrent network" (RnnControllerOptions(Units = 5))
        equalsLibtorch "a two-layer plain recurrent network" (RnnControllerOptions(Units = 5, Layers = 2))
        everyController

        test "a feed-forward controller computes tanh(W x + b)" {
            let controller = build (Samples.feedForward 4) 3
            let parameters = GradientCheck.parameters controller |> Map.ofList
            let x = (input 3).select(1L, 0L)
            let struct (output, _) = controller.Step(x, controller.Start 2L)
            let expected = (x.matmul (parameters["input_weight_0"].t()) + parameters["bias_0"]).tanh()
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
