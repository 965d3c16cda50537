module NtmLab.Tests.Kernels.NtmKernelTests

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Kernels.MemoryKernelCase
open TorchSharp

let private withNtm = withModel drawNtm

let tests =
    testList "NtmKernel" [
        testCase
            "a fused NTM gives the reference engine's values and every gradient, for 200 drawn shapes"
            (fun () ->
                for seed in 1UL .. 200UL do
                    equalsReference (drawNtm seed) seed)
        testCase "gradients agree with finite differences along random directions" (fun () ->
            for seed in 301UL .. 308UL do
                withNtm seed (fun case model ->
                    // Few steps and small parameters: single precision cannot follow a steep function.
                    let case = { case with Time = 1 + case.Time % 5 }
                    use noGradient = torch.no_grad ()

                    for parameter in model.parameters () do
                        parameter.mul_ (torch.tensor 0.5f) |> ignore

                    noGradient.Dispose()
                    model.Fuse case.Kernel
                    let gradients = compute model case seed |> List.skip 2

                    let directions =
                        gradients
                        |> List.map (fun (_, g) -> randomTensor seed [ for n in g.shape -> int n ])

                    let input = randomTensor seed [ case.Batch; case.Time; case.Inputs ]
                    let weight = randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]

                    let lossAt (step: float) =
                        use noGradient = torch.no_grad ()

                        let move (sign: float) =
                            for struct (_, parameter), direction in
                                Seq.zip (model.named_parameters ()) directions do
                                parameter.add_ (direction * torch.tensor (float32 (sign * step))) |> ignore

                        move 1.0
                        let loss = (model.Forward input * weight).``to``(torch.float64).sum().item<float>()
                        move -1.0
                        loss

                    let step = 2e-3
                    let measured = (lossAt step - lossAt (-step)) / (2.0 * step)

                    let derived =
                        List.zip gradients directions
                        |> List.sumBy (fun ((_, g), d) -> (g * d).``to``(torch.float64).sum().item<float>())

                    Expect.isLessThan
                        (abs (measured - derived) / (1.0 + abs measured))
                        0.03
                        $"measured {measured}, derived {derived}: {case}"))
        testCase "a state of the wrong size, or one that is not finite, is refused with its name" (fun () ->
            withNtm 531UL (fun case model ->
                model.Fuse case.Kernel
                let input = randomTensor 1UL [ 2; 3; case.Inputs ]

                let message (state: ModelState) =
                    try
                        model.Run(input, state) |> ignore
                        "accepted"
                    with
                    | :? ShapeException as refused -> refused.Message
                    | :? DivergenceException as refused -> refused.Message

                Expect.stringContains (message (model.InitialState 5L)) "state:" "batch"
                use noGradient = torch.no_grad ()
                let state = model.InitialState 2L
                (Seq.last state.Tensors).fill_ nanf |> ignore
                Expect.stringContains (message state) "the state holds a number that is not finite" "nan"))
        testCase "two forward passes before their backward passes do not disturb each other" (fun () ->
            withNtm 431UL (fun case model ->
                model.Fuse case.Kernel
                let input = randomTensor 1UL [ case.Batch; case.Time; case.Inputs ]
                let both = (model.Forward input).sum() + (model.Forward(input * 0.5)).sum()
                both.backward ()
                let together = [ for parameter in model.parameters () -> (gradient parameter) ]

                for parameter in model.parameters () do
                    clear parameter

                (model.Forward input).sum().backward()
                (model.Forward(input * 0.5)).sum().backward()

                for parameter, expected in Seq.zip (model.parameters ()) together do
                    Expect.isLessThan (disagreement (gradient parameter) expected) 1e-4 "gradients"))
        testCase "long sequences stay within the memory budget" (fun () ->
            use scope = torch.NewDisposeScope()
            use model = NtmOptions().Build(9, 8, RandomStream(1UL, "model")) :?> MemoryModel
            model.Fuse(KernelOptions(MemoryBudget = (8L <<< 20)))
            let input = randomTensor 1UL [ 1; 2001; 9 ]
            (model.Forward input).sum().backward()
            Expect.isLessThan model.WorkspaceBytes (16L <<< 20) "workspace")
        testCase "a number that is not finite is refused with its place" (fun () ->
            withNtm 441UL (fun case model ->
                model.Fuse case.Kernel
                let input = randomTensor 1UL [ 2; 3; case.Inputs ]
                input[0, 1, 0] <- torch.tensor nanf

                Expect.throwsT<DivergenceException> (fun () -> model.Forward input |> ignore) "input"

                use noGradient = torch.no_grad ()
                (Seq.last (model.parameters ())).fill_ infinityf |> ignore

                Expect.throwsT<DivergenceException>
                    (fun () -> model.Forward(randomTensor 1UL [ 2; 3; case.Inputs ]) |> ignore)
                    "parameter"))
        testCase "a wrong input width is refused before the kernel" (fun () ->
            withNtm 451UL (fun case model ->
                model.Fuse case.Kernel

                Expect.throwsT<ShapeException>
                    (fun () -> model.Forward(randomTensor 1UL [ 2; 3; case.Inputs + 1 ]) |> ignore)
                    "width"))
        testCase "a state of another batch, and an input of another type, are refused by name" (fun () ->
            withNtm 454UL (fun case model ->
                model.Fuse case.Kernel
                let input = randomTensor 1UL [ 2; 3; case.Inputs ]

                Faults.says<ShapeException> [ "model 'ntm'"; "state"; "[3, " ] (fun () ->
                    model.Run(input, model.InitialState 3L) |> ignore)

                Faults.says<ShapeException> [ "model 'ntm'"; "Float64"; "Float32" ] (fun () ->
                    model.Forward(input.``to`` torch.float64) |> ignore)))
        testCase "a kernel refuses impossible sizes by name" (fun () ->
            let shape = NtmShape(1, 1, CellKind.Lstm, 1, 1, 4, 1, 1, 1, 5)

            Expect.throwsT<System.ArgumentException>
                (fun () -> new SequenceKernel(shape, KernelOptions()) |> ignore)
                "shift")
        testCase "more slots than in training are computed as the reference does" (fun () ->
            use scope = torch.NewDisposeScope()

            use model =
                NtmOptions(Slots = 9, Width = 4, Controller = LstmControllerOptions(Units = 7))
                    .Build(3, 2, RandomStream(1UL, "model"))
                :?> MemoryModel

            use noGradient = torch.no_grad ()
            let input = randomTensor 1UL [ 2; 20; 3 ]
            model.Fuse 1
            model.Slots <- 21
            let fused = model.Forward input
            model.StopFusing()
            Expect.isLessThan (Tensors.distance fused (model.Forward input)) 1e-5 "logits")
        yield! MemoryKernelLaws.tests drawNtm
    ]
