module NtmLab.Tests.Kernels.NtmKernelTests

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Kernels.NtmKernelCase
open TorchSharp

let tests =
    testList "NtmKernel" [
        testCase
            "a fused NTM gives the reference engine's values and every gradient, for 200 drawn shapes"
            (fun () ->
                for seed in 1UL .. 200UL do
                    equalsReference seed)
        testCase "gradients agree with finite differences along random directions" (fun () ->
            for seed in 301UL .. 308UL do
                withModel seed (fun case model ->
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
        testCase "any number of threads gives the same bits" (fun () ->
            for seed in 401UL .. 410UL do
                withModel seed (fun case model ->
                    let results =
                        [ 1; 2; 3; 8 ]
                        |> List.map (fun threads ->
                            model.Fuse(KernelOptions(Threads = threads))
                            bits (compute model { case with Batch = 17 } seed))

                    for other in results.Tail do
                        Expect.equal other results.Head $"{case}"))
        testCase "a second pass over the same workspace gives the same bits" (fun () ->
            for seed in 411UL .. 415UL do
                withModel seed (fun case model ->
                    model.Fuse case.Kernel
                    let first = bits (compute model case seed)
                    compute model { case with Time = max 1 (case.Time / 2) } (seed + 9UL) |> ignore
                    Expect.equal (bits (compute model case seed)) first $"{case}"))
        testCase "evaluation without gradients gives the bits of training" (fun () ->
            for seed in 421UL .. 425UL do
                withModel seed (fun case model ->
                    let case = { case with Time = 75 }
                    model.Fuse case.Kernel
                    let trained = compute model case seed |> List.head |> snd |> Tensors.bits
                    use noGradient = torch.no_grad ()
                    let input = randomTensor seed [ case.Batch; case.Time; case.Inputs ]
                    Expect.isTrue (Tensors.bits (model.Forward input) = trained) $"{case}"))
        testCase
            "a sequence cut in two, with the state handed on, gives the reference's values and gradients"
            (fun () ->
                for seed in 461UL .. 484UL do
                    withModel seed (fun case model ->
                        let case = { case with Time = max 2 case.Time }
                        let cut = int64 (1 + case.Time / 3)

                        let halves (model: MemoryModel) =
                            for parameter in model.parameters () do
                                clear parameter

                            let input =
                                (randomTensor seed [ case.Batch; case.Time; case.Inputs ]).requires_grad_()

                            let weight = randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]

                            // Leaves: the gradients of every part of a given start.
                            let struct (_, state) =
                                model.Run(input.narrow (1L, 0L, cut), model.InitialState(int64 case.Batch))

                            let struct (first, handed) =
                                model.Run(input.narrow (1L, 0L, cut), model.InitialState(int64 case.Batch))

                            let struct (second, final) =
                                model.Run(input.narrow (1L, cut, int64 case.Time - cut), handed)

                            let mutable loss = (torch.cat ([| first; second |], 1L) * weight).sum()

                            for index, part in Seq.indexed final.Tensors do
                                let weight =
                                    randomTensor (seed + 2UL + uint64 index) [
                                        for n in part.shape -> int n
                                    ]

                                loss <- loss + (part * weight).sum()

                            for part in state.Tensors do
                                loss <- loss + part.sum ()

                            loss.backward ()

                            [
                                "first", first.detach ()
                                "second", second.detach ()
                                for index, part in Seq.indexed final.Tensors do
                                    $"final state {index}", part.detach ()
                                "input", gradient input
                                for struct (name, parameter) in model.named_parameters () do
                                    name, gradient parameter
                            ]

                        let reference = halves model
                        model.Fuse case.Kernel
                        let fused = halves model

                        for (name, expected), (_, got) in List.zip reference fused do
                            Expect.isLessThan (disagreement got expected) 2e-3 $"{name}: {case}"))
        testCase "every part of a given start gets its gradient" (fun () ->
            for seed in 491UL .. 502UL do
                withModel seed (fun case model ->
                    let gradients (model: MemoryModel) =
                        let struct (_, state) =
                            use noGradient = torch.no_grad ()

                            model.Run(
                                randomTensor (seed + 3UL) [ case.Batch; 3; case.Inputs ],
                                model.InitialState(int64 case.Batch)
                            )

                        let leaves = [ for part in state.Tensors -> part.requires_grad_ () ]
                        let input = randomTensor seed [ case.Batch; case.Time; case.Inputs ]
                        let weight = randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]
                        let struct (output, _) = model.Run(input, state)
                        (output * weight).sum().backward()
                        leaves |> List.map gradient

                    let reference = gradients model
                    model.Fuse case.Kernel

                    for expected, got in List.zip reference (gradients model) do
                        Expect.isLessThan (disagreement got expected) 2e-3 $"{case}"))
        testCase
            "streaming gives the numbers of the whole sequence, and follows changed parameters"
            (fun () ->
                for seed in 511UL .. 518UL do
                    withModel seed (fun case model ->
                        use noGradient = torch.no_grad ()
                        model.Fuse case.Kernel
                        let input = randomTensor seed [ case.Batch; case.Time; case.Inputs ]

                        let stream () =
                            let mutable state = model.InitialState(int64 case.Batch)

                            [|
                                for step in input.unbind 1L do
                                    let struct (logits, next) = model.Step(step, state)
                                    state <- next
                                    logits
                            |]

                        let agree () =
                            let whole = model.Forward input
                            let distance = Tensors.distance (torch.stack (stream (), 1L)) whole
                            Expect.isLessThan distance 1e-6 $"{case}"

                        agree ()
                        (Seq.head (model.parameters ())).mul_(torch.tensor 0.7f) |> ignore
                        agree ()))
        testCase "the fused engine traces the heads as the reference does" (fun () ->
            for seed in 521UL .. 528UL do
                withModel seed (fun case model ->
                    use noGradient = torch.no_grad ()
                    let input = randomTensor seed [ case.Batch; case.Time; case.Inputs ]

                    let trace () =
                        let trace = HeadTrace()
                        model.Forward(input, trace) |> ignore
                        trace.Steps

                    let reference = trace ()
                    model.Fuse case.Kernel
                    let fused = trace ()
                    Expect.equal fused.Count reference.Count "steps"

                    for ours, theirs in Seq.zip fused reference do
                        let flat (step: HeadStep) =
                            [ step.ReadWeighting; step.WriteWeighting; step.Reads; step.Erase; step.Add ]
                            |> Seq.collect (Seq.collect id)

                        for x, y in Seq.zip (flat ours) (flat theirs) do
                            Expect.isLessThan (abs (x - y)) 1e-3f $"{case}"))
        testCase "a state of the wrong size, or one that is not finite, is refused with its name" (fun () ->
            withModel 531UL (fun case model ->
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
            withModel 431UL (fun case model ->
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
            withModel 441UL (fun case model ->
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
            withModel 451UL (fun case model ->
                model.Fuse case.Kernel

                Expect.throwsT<ShapeException>
                    (fun () -> model.Forward(randomTensor 1UL [ 2; 3; case.Inputs + 1 ]) |> ignore)
                    "width"))
        testCase "second derivatives, and gradients taken twice, are those of the reference engine" (fun () ->
            for seed in 453UL .. 456UL do
                withModel seed (fun case model ->
                    let input = (randomTensor 1UL [ 2; 3; case.Inputs ]).requires_grad_()
                    let variables = [| input; yield! Seq.cast<torch.Tensor>(model.parameters ()) |]

                    let derivatives () =
                        let loss = (model.Forward input).square().sum()

                        let first =
                            torch.autograd.grad (
                                [| loss |],
                                variables,
                                retain_graph = true,
                                create_graph = true,
                                allow_unused = true
                            )

                        let length =
                            first |> Seq.map (fun gradient -> gradient.square().sum()) |> Seq.reduce (+)

                        let second =
                            torch.autograd.grad (
                                [| length |],
                                variables,
                                retain_graph = true,
                                allow_unused = true
                            )

                        let again =
                            torch.autograd.grad (
                                [| loss |],
                                variables,
                                retain_graph = true,
                                allow_unused = true
                            )

                        [ yield! first; yield! second; yield! again ]

                    let expected = derivatives ()
                    model.Fuse case.Kernel

                    for got, expected in Seq.zip (derivatives ()) expected do
                        Expect.isLessThan (disagreement got expected) 1e-3 $"{case}"))
        testCase "a state of another batch, and an input of another type, are refused by name" (fun () ->
            withModel 454UL (fun case model ->
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
    ]
