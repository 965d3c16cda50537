module NtmLab.Tests.Kernels.NtmPriceTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Kernels.MemoryKernelCase
open TorchSharp

/// A drawn case whose focus and writes have prices, both or one of them.
let private drawPriced (seed: uint64) : Case =
    let case = drawNtm seed
    let drawn = case.Options :?> NtmOptions
    let entropy, write = [| 0.3, 0.7; 0.5, 0.0; 0.0, 0.9 |][int (seed % 3UL)]

    {
        case with
            Options =
                NtmOptions(
                    Controller = drawn.Controller,
                    Slots = drawn.Slots,
                    Width = drawn.Width,
                    ReadHeads = drawn.ReadHeads,
                    WriteHeads = drawn.WriteHeads,
                    ShiftWidth = drawn.ShiftWidth,
                    InitialMemory = drawn.InitialMemory,
                    EntropyPrice = entropy,
                    WritePrice = write
                )
    }

/// The price, the logits, and the gradients of a sum of both.
let private priced (model: MemoryModel) (case: Case) (seed: uint64) (precision: torch.ScalarType) =
    for parameter in model.parameters () do
        clear parameter

    let input =
        (randomTensor seed [ case.Batch; case.Time; case.Inputs ]).``to``(precision).requires_grad_()

    let weight = (randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]).``to`` precision
    let each = (randomTensor (seed + 2UL) [ case.Batch ]).``to`` precision
    let struct (logits, price) = model.ForwardWithPrice input
    let price = nonNull price
    ((logits * weight).sum() + (price * each).sum()).backward()

    [
        "price", price.detach ()
        "logits", logits.detach ()
        "input", gradient input
        for struct (name, parameter) in model.named_parameters () do
            name, gradient parameter
    ]

/// As `MemoryKernelCase.equalsReference`, with prices.
let private equalsReference (seed: uint64) : unit =
    use scope = torch.NewDisposeScope()
    let case = drawPriced seed
    use model = build case seed
    let reference = priced model case seed torch.float32
    model.Fuse case.Kernel
    let fused = priced model case seed torch.float32

    let exact =
        lazy
            (use model = build case seed
             model.``to`` torch.float64 |> ignore
             priced model case seed torch.float64 |> Map.ofList)

    for (name, single), (_, got) in List.zip reference fused do
        if not (disagreement got single <= 1e-4) then
            let expected = exact.Value[name]
            let worst = disagreement got expected
            let floor = if case.Options.Width = 1 then 0.05 else 1e-4

            if not (worst <= max floor (10.0 * disagreement single expected)) then
                failtest $"{name} differs by {worst}: {case}"

/// The price as its definition has it, from what the heads of the first sequence did.
let private byDefinition (options: NtmOptions) (trace: HeadTrace) : float =
    Seq.sum [
        for step in trace.Steps do
            for weighting in Seq.append step.ReadWeighting step.WriteWeighting do
                options.EntropyPrice
                * Seq.sum [ for w in weighting -> -(float w) * log (float w + 1e-16) ]

            for erase, add in Seq.zip step.Erase step.Add do
                options.WritePrice
                * (Seq.averageBy float erase + Seq.averageBy (fun a -> float a * float a) add)
                / 2.0
    ]

let tests =
    testList "NtmPrice" [
        testCase
            "fused prices are the reference engine's, in value and every gradient, for 60 drawn shapes"
            (fun () ->
                for seed in 601UL .. 660UL do
                    equalsReference seed)

        testCase "a price is what its definition says of the traced heads" (fun () ->
            for seed in 661UL .. 672UL do
                withModel drawPriced seed (fun case model ->
                    use noGradient = torch.no_grad ()
                    let input = randomTensor seed [ 1; case.Time; case.Inputs ]
                    let trace = HeadTrace()
                    model.Forward(input, trace) |> ignore
                    let struct (_, price) = model.ForwardWithPrice input
                    let expected = byDefinition (case.Options :?> NtmOptions) trace
                    let got = (nonNull price).ToDouble()
                    Expect.isLessThan (abs (got - expected)) (1e-4 * (1.0 + expected)) $"{case}"))

        testCase "a price goes on over a cut sequence" (fun () ->
            for seed in 673UL .. 684UL do
                withModel drawPriced seed (fun case model ->
                    model.Fuse case.Kernel
                    use noGradient = torch.no_grad ()
                    let input = randomTensor seed [ 2; 7; case.Inputs ]
                    let struct (_, whole) = model.ForwardWithPrice input
                    let struct (_, half) = model.Run(input.narrow (1L, 0L, 3L), model.InitialState 2L)
                    let struct (_, final) = model.Run(input.narrow (1L, 3L, 4L), half)
                    let cut = (MemoryModel.Contents final).Policy.Price
                    Expect.isLessThan (Tensors.distance (nonNull cut) (nonNull whole)) 1e-3 $"{case}"))

        testCase "prices change no output" (fun () ->
            withModel drawPriced 685UL (fun case model ->
                use noGradient = torch.no_grad ()
                use free = build (drawNtm 685UL) 685UL
                let input = randomTensor 1UL [ 2; 5; case.Inputs ]
                model.Fuse case.Kernel
                free.Fuse case.Kernel

                Expect.equal
                    (Tensors.bits (model.Forward input))
                    (Tensors.bits (free.Forward input))
                    "the same parameters"))
    ]
