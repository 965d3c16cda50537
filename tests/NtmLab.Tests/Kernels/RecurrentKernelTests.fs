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

let private outputs = 3

let private build (case: Case) (seed: uint64) : RecurrentModel =
    let model = new RecurrentModel(case.Inputs, outputs, case.Options, RandomStream(seed, "layers"))
    use noGradient = torch.no_grad ()

    for parameter in model.parameters () do
        parameter.add_ (tensor seed [ for n in parameter.shape -> int n ] * torch.tensor 0.1f)
        |> ignore

    model

let private gradient (tensor: torch.Tensor) : torch.Tensor =
    match tensor.grad with
    | null -> torch.zeros_like tensor
    | gradient -> gradient.clone ()

/// Output, final state and all gradients, from the first state of the model's own or from a given one.
let private compute (case: Case) (seed: uint64) (given: bool) (model: RecurrentModel) =
    for parameter in model.parameters () do
        match parameter.grad with
        | null -> ()
        | gradient -> gradient.zero_ () |> ignore

    let input = (tensor seed [ case.Batch; case.Time; case.Inputs ]).requires_grad_()
    let first = model.InitialState(int64 case.Batch)

    let start =
        if given then
            let drawn = [|
                for index, part in Seq.indexed first.Tensors do
                    (tensor (seed + 7UL + uint64 index) [ for n in part.shape -> int n ]).requires_grad_()
            |]

            first.With drawn
        else
            first

    let struct (output, final) =
        if given then
            model.Run(input, start)
        else
            struct (model.Forward input, first)

    let mutable loss = (output * tensor (seed + 1UL) [ case.Batch; case.Time; outputs ]).sum()

    if given then
        for index, part in Seq.indexed final.Tensors do
            loss <-
                loss
                + (part * tensor (seed + 2UL + uint64 index) [ for n in part.shape -> int n ]).sum()

    loss.backward ()

    [
        "output", output.detach ()
        "input", gradient input
        if given then
            for index, part in Seq.indexed final.Tensors do
                $"final {index}", part.detach ()

            for index, part in Seq.indexed start.Tensors do
                $"start {index}", gradient part
        for struct (name, parameter) in model.named_parameters () do
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

let private withCase (seed: uint64) (test: Case -> RecurrentModel -> unit) : unit =
    use scope = torch.NewDisposeScope()
    let case = draw seed
    use model = build case seed
    test case model

let tests =
    testList "RecurrentKernel" [
        for given, start in [ false, "the trained start"; true, "a given start" ] do
            testCase
                $"fused layers give the values and gradients of single steps from {start}, for 40 drawn shapes"
                (fun () ->
                    for seed in 1UL .. 40UL do
                        withCase seed (fun case model ->
                            let expected = compute case seed given model
                            model.Fuse case.Kernel
                            agree case expected (compute case seed given model)))

        testCase "any number of threads gives the same bits, and so does a second pass" (fun () ->
            for seed in 101UL .. 106UL do
                withCase seed (fun case model ->
                    let case = { case with Batch = 17 }

                    let results = [
                        for threads in [ 1; 2; 3 ] do
                            model.Fuse threads

                            for _ in 1..2 do
                                compute case seed true model |> List.map (snd >> Tensors.bits)
                    ]

                    for other in results.Tail do
                        Expect.equal other results.Head $"{case}"))

        testCase "without gradients the outputs have the bits of training" (fun () ->
            for seed in 111UL .. 116UL do
                withCase seed (fun case model ->
                    model.Fuse case.Kernel
                    let input = tensor seed [ case.Batch; case.Time; case.Inputs ]
                    let trained = (model.Forward input).detach()
                    use noGradient = torch.no_grad ()
                    Expect.equal (Tensors.bits (model.Forward input)) (Tensors.bits trained) $"{case}"))

        testCase "a wrong width and numbers that are not finite are refused" (fun () ->
            withCase 121UL (fun case model ->
                model.Fuse case.Kernel

                Expect.throwsT<ShapeException>
                    (fun () -> model.Forward(tensor 1UL [ 2; 3; case.Inputs + 1 ]) |> ignore)
                    "width"

                let input = tensor 1UL [ 2; 3; case.Inputs ]
                input[0, 0, 0] <- torch.tensor nanf
                Expect.throwsT<DivergenceException> (fun () -> model.Forward input |> ignore) "nan"))

        testCase "a state of another batch is refused" (fun () ->
            use model =
                new RecurrentModel(3, outputs, LstmControllerOptions(Units = 5), RandomStream(1UL, "layers"))

            model.Fuse 1

            Faults.says<ShapeException> [ "state: hidden state of layer 0"; "[3, 5]"; "[2, 5]" ] (fun () ->
                model.Run(tensor 1UL [ 2; 4; 3 ], model.InitialState 3L) |> ignore))

        testCase "a kernel refuses impossible sizes by name" (fun () ->
            let refused =
                Expect.throwsC
                    (fun () ->
                        new SequenceKernel(RecurrentShape(CellKind.Gru, 0, 1, 1), KernelOptions())
                        |> ignore)
                    _.Message

            Expect.stringContains refused "Layers: 0" "the size")
    ]
