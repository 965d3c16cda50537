/// What holds of the fused engine of every controller with a memory.
module NtmLab.Tests.Kernels.MemoryKernelLaws

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Kernels.MemoryKernelCase
open TorchSharp

/// Values and gradients of sequences that are cut in two, with the state handed on; every part of the last state counts.
let private halves (model: MemoryModel) (case: Case) (seed: uint64) : (string * torch.Tensor) list =
    let cut = int64 (1 + case.Time / 3)

    for parameter in model.parameters () do
        clear parameter

    let input = (randomTensor seed [ case.Batch; case.Time; case.Inputs ]).requires_grad_()

    let weight = randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]

    // Leaves: the gradients of every part of a given start.
    let struct (_, state) = model.Run(input.narrow (1L, 0L, cut), model.InitialState(int64 case.Batch))

    let struct (first, handed) = model.Run(input.narrow (1L, 0L, cut), model.InitialState(int64 case.Batch))

    let struct (second, final) = model.Run(input.narrow (1L, cut, int64 case.Time - cut), handed)

    let mutable loss = (torch.cat ([| first; second |], 1L) * weight).sum()

    for index, part in Seq.indexed final.Tensors do
        let weight = randomTensor (seed + 2UL + uint64 index) [ for n in part.shape -> int n ]
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

/// The gradients of every part of a given start.
let private startGradients (model: MemoryModel) (case: Case) (seed: uint64) : torch.Tensor list =
    let struct (_, state) =
        use noGradient = torch.no_grad ()

        model.Run(
            randomTensor (seed + 3UL) [ case.Batch; 3; case.Inputs ],
            model.InitialState(int64 case.Batch)
        )

    let leaves = [ for part in state.Tensors -> part.detach().requires_grad_() ]
    let input = randomTensor seed [ case.Batch; case.Time; case.Inputs ]
    let weight = randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]
    let struct (output, _) = model.Run(input, state.With(Array.ofList leaves))
    (output * weight).sum().backward()
    leaves |> List.map gradient

/// Requires that streaming gives the numbers of the whole sequence, and follows changed parameters.
let private streams (model: MemoryModel) (case: Case) (seed: uint64) : unit =
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
    agree ()

/// Requires that the fused engine traces the heads as the reference does.
let private tracesAgree (model: MemoryModel) (case: Case) (seed: uint64) : unit =
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
            Expect.isLessThan (abs (x - y)) 1e-3f $"{case}"

/// All laws, of models drawn from a seed.
let tests (draw: uint64 -> Case) : Test list = [
    testCase "any number of threads gives the same bits" (fun () ->
        for seed in 401UL .. 410UL do
            withModel draw seed (fun case model ->
                let results =
                    [ 1; 2; 3; 8 ]
                    |> List.map (fun threads ->
                        model.Fuse(KernelOptions(Threads = threads))
                        bits (compute model { case with Batch = 17 } seed))

                for other in results.Tail do
                    Expect.equal other results.Head $"{case}"))
    testCase "a second pass over the same workspace gives the same bits" (fun () ->
        for seed in 411UL .. 415UL do
            withModel draw seed (fun case model ->
                model.Fuse case.Kernel
                let first = bits (compute model case seed)
                compute model { case with Time = max 1 (case.Time / 2) } (seed + 9UL) |> ignore
                Expect.equal (bits (compute model case seed)) first $"{case}"))
    testCase
        "segments that are computed again give the bits of whole sequences; sums over time, which they cut, the same numbers"
        (fun () ->
            for seed in 416UL .. 427UL do
                withModel draw seed (fun case model ->
                    let withBudget (budget: int64) =
                        model.Fuse(KernelOptions(Path = case.Kernel.Path, MemoryBudget = budget))
                        compute model { case with Time = 20 + int seed % 60 } seed

                    let cut, whole = withBudget 1L, withBudget (256L <<< 20)

                    Expect.equal
                        (bits (List.take 2 cut))
                        (bits (List.take 2 whole))
                        $"output and input: {case}"

                    for (name, cut), (_, whole) in List.zip cut whole do
                        Expect.isLessThan (disagreement cut whole) 1e-4 $"{name}: {case}"))
    testCase "evaluation without gradients gives the bits of training" (fun () ->
        for seed in 421UL .. 425UL do
            withModel draw seed (fun case model ->
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
                withModel draw seed (fun case model ->
                    let case = { case with Time = max 2 case.Time }
                    let reference = halves model case seed
                    model.Fuse case.Kernel
                    let fused = halves model case seed

                    for (name, expected), (_, got) in List.zip reference fused do
                        Expect.isLessThan (disagreement got expected) 2e-3 $"{name}: {case}"))
    testCase "every part of a given start gets its gradient" (fun () ->
        for seed in 491UL .. 502UL do
            withModel draw seed (fun case model ->
                let reference = startGradients model case seed
                model.Fuse case.Kernel

                for expected, got in List.zip reference (startGradients model case seed) do
                    Expect.isLessThan (disagreement got expected) 2e-3 $"{case}"))
    testCase "streaming gives the numbers of the whole sequence, and follows changed parameters" (fun () ->
        for seed in 511UL .. 518UL do
            withModel draw seed (fun case model -> streams model case seed))
    testCase "the fused engine traces the heads as the reference does" (fun () ->
        for seed in 521UL .. 528UL do
            withModel draw seed (fun case model -> tracesAgree model case seed))
    testCase "second derivatives, and gradients taken twice, are those of the reference engine" (fun () ->
        for seed in 453UL .. 456UL do
            withModel draw seed (fun case model ->
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
]
