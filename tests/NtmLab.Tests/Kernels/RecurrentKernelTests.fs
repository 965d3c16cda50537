module NtmLab.Tests.Kernels.RecurrentKernelTests

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Tests
open TorchSharp

/// Drawn layers with their input, and how the fused engine is to compute them.
type private Case = {
    Inputs: int
    Options: ControllerOptions
    Batch: int
    Time: int
    Kernel: KernelOptions
} with

    override case.ToString() =
        $"inputs {case.Inputs} batch {case.Batch} time {case.Time} {case.Options} {case.Kernel}"

let private paths = [| VectorPath.Scalar; VectorPath.Vector128; VectorPath.Vector256; VectorPath.Vector512 |]

let private draw (seed: uint64) : Case =
    let random = RandomStream(seed, "layers case")
    let units, layers = random.Next(1, 40), random.Next(1, 4)

    let options: ControllerOptions =
        match random.Next 4 with
        | 0 -> LstmControllerOptions(Units = units, Layers = layers)
        | 1 -> GruControllerOptions(Units = units, Layers = layers)
        | 2 -> RnnControllerOptions(Units = units, Layers = layers)
        | _ -> FeedForwardControllerOptions(Units = units, Layers = layers)

    {
        Inputs = random.Next(1, 20)
        Options = options
        Batch = random.Next(1, 18)
        Time = random.Next(1, 51)
        Kernel =
            KernelOptions(
                Path = paths[int (seed % 4UL)],
                MemoryBudget = (if seed % 3UL = 0UL then 1L else 64L <<< 20),
                Threads = 1 + int (seed % 2UL)
            )
    }

let private tensor (seed: uint64) (shape: int list) : torch.Tensor =
    (Tensors.uniform (RandomStream(seed, "tensor")) -1.0 1.0 shape).``to`` torch.float32

let private build (case: Case) (seed: uint64) : Controller =
    let controller = case.Options.Build(case.Inputs, RandomStream(seed, "layers"))
    use noGradient = torch.no_grad ()

    for parameter in controller.parameters () do
        parameter.add_ (tensor seed [ for n in parameter.shape -> int n ] * torch.tensor 0.1f)
        |> ignore

    controller

let private gradient (tensor: torch.Tensor) : torch.Tensor =
    match tensor.grad with
    | null -> torch.zeros_like tensor
    | gradient -> gradient.clone ()

/// Step by step: the reference.
let private reference (controller: Controller) (input: torch.Tensor) (state: ControllerState) =
    let mutable state = state

    let outputs = [|
        for step in input.unbind 1L do
            let struct (output, next) = controller.Step(step, state)
            state <- next
            output
    |]

    struct (torch.stack (outputs, 1L), state)

/// Output, final state and all gradients, from the trained start or from a given one.
let private compute
    (case: Case)
    (seed: uint64)
    (given: bool)
    (engine: FusedLayers option)
    (controller: Controller)
    =
    for parameter in controller.parameters () do
        match parameter.grad with
        | null -> ()
        | gradient -> gradient.zero_ () |> ignore

    let input = (tensor seed [ case.Batch; case.Time; case.Inputs ]).requires_grad_()
    let units = case.Options.Units

    let start =
        if given then
            let part index = (tensor (seed + 7UL + uint64 index) [ case.Batch; units ]).requires_grad_()
            let trained = controller.Start(int64 case.Batch)

            ControllerState(
                [| for i in 0 .. trained.Hidden.Count - 1 -> part i |],
                [| for i in 0 .. trained.Cells.Count - 1 -> part (10 + i) |]
            )
        else
            controller.Start(int64 case.Batch)

    let struct (output, final) =
        match engine with
        | Some engine when given -> engine.Forward(input, start)
        | Some engine -> struct (engine.Forward input, ControllerState([||], [||]))
        | None -> reference controller input start

    let mutable loss = (output * tensor (seed + 1UL) [ case.Batch; case.Time; units ]).sum()

    if given then
        for index, part in Seq.indexed final.Tensors do
            loss <- loss + (part * tensor (seed + 2UL + uint64 index) [ case.Batch; units ]).sum()

    loss.backward ()

    [
        "output", output.detach ()
        "input", gradient input
        if given then
            for index, part in Seq.indexed final.Tensors do
                $"final {index}", part.detach ()

            for index, part in Seq.indexed start.Tensors do
                $"start {index}", gradient part
        for struct (name, parameter) in controller.named_parameters () do
            name, gradient parameter
    ]

let private agree
    (case: Case)
    (expected: (string * torch.Tensor) list)
    (got: (string * torch.Tensor) list)
    : unit =
    for (name, e), (_, g) in List.zip expected got do
        let worst = Tensors.distance g e / (1e-3 + (Tensors.values e |> Seq.map abs |> Seq.max))

        Expect.isLessThan worst 1e-4 $"{name}: {case}"

let private withCase (seed: uint64) (test: Case -> Controller -> unit) : unit =
    use scope = torch.NewDisposeScope()
    let case = draw seed
    use controller = build case seed
    test case controller

let tests =
    testList "RecurrentKernel" [
        for given, start in [ false, "the trained start"; true, "a given start" ] do
            testCase
                $"fused layers give the values and gradients of single steps from {start}, for 40 drawn shapes"
                (fun () ->
                    for seed in 1UL .. 40UL do
                        withCase seed (fun case controller ->
                            let expected = compute case seed given None controller
                            use engine = new FusedLayers(controller, case.Kernel)
                            agree case expected (compute case seed given (Some engine) controller)))

        testCase "any number of threads gives the same bits, and so does a second pass" (fun () ->
            for seed in 101UL .. 106UL do
                withCase seed (fun case controller ->
                    let case = { case with Batch = 17 }

                    let results = [
                        for threads in [ 1; 2; 3 ] do
                            use engine = new FusedLayers(controller, KernelOptions(Threads = threads))

                            for _ in 1..2 do
                                compute case seed true (Some engine) controller
                                |> List.map (snd >> Tensors.bits)
                    ]

                    for other in results.Tail do
                        Expect.equal other results.Head $"{case}"))

        testCase "without gradients the outputs have the bits of training" (fun () ->
            for seed in 111UL .. 116UL do
                withCase seed (fun case controller ->
                    use engine = new FusedLayers(controller, case.Kernel)
                    let input = tensor seed [ case.Batch; case.Time; case.Inputs ]
                    let trained = (engine.Forward input).detach()
                    use noGradient = torch.no_grad ()
                    Expect.equal (Tensors.bits (engine.Forward input)) (Tensors.bits trained) $"{case}"))

        testCase
            "a wrong width, a state of another batch and numbers that are not finite are refused"
            (fun () ->
                withCase 121UL (fun case controller ->
                    use engine = new FusedLayers(controller, case.Kernel)

                    Expect.throwsT<ShapeException>
                        (fun () -> engine.Forward(tensor 1UL [ 2; 3; case.Inputs + 1 ]) |> ignore)
                        "width"

                    let input = tensor 1UL [ 2; 3; case.Inputs ]
                    input[0, 0, 0] <- torch.tensor nanf
                    Expect.throwsT<DivergenceException> (fun () -> engine.Forward input |> ignore) "nan"))

        testCase "a kernel refuses impossible sizes by name" (fun () ->
            let refused =
                Expect.throwsC
                    (fun () ->
                        new SequenceKernel(RecurrentShape(CellKind.Gru, 0, 1, 1), KernelOptions())
                        |> ignore)
                    _.Message

            Expect.stringContains refused "Layers: 0" "the size")
    ]
