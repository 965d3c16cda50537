module NtmLab.Tests.Kernels.NtmFocusTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Kernels.MemoryKernelCase
open TorchSharp

/// A drawn case whose heads are on one slot alone in evaluation. With slots of one number a cosine is a sign, and of equal slots
/// which is nearest rounding's choice.
let private drawDiscrete (seed: uint64) : Case =
    let case = drawNtm seed
    let drawn = case.Options :?> NtmOptions

    {
        case with
            Options =
                NtmOptions(
                    Controller = drawn.Controller,
                    Slots = drawn.Slots,
                    Width = drawn.Width + 2,
                    ReadHeads = drawn.ReadHeads,
                    WriteHeads = drawn.WriteHeads,
                    ShiftWidth = drawn.ShiftWidth,
                    InitialMemory = drawn.InitialMemory,
                    InitialSpread = 0.5,
                    Discretise = true
                )
    }

let private forward (model: MemoryModel) (input: torch.Tensor) : torch.Tensor * HeadTrace =
    use noGradient = torch.no_grad ()
    let trace = HeadTrace()
    let logits = model.Forward(input, trace)
    logits, trace

/// Closes the gates of all heads, or opens them, so that content never or always decides where they go.
let private setGates (model: MemoryModel) (options: NtmOptions) (value: float) : unit =
    use noGradient = torch.no_grad ()
    let bias = Tensors.parameter model "interface_bias"
    let perHead = options.Width + 1 + 1 + options.ShiftWidth + 1

    for start, heads in [ 0, options.ReadHeads; options.ReadHeads * perHead, options.WriteHeads ] do
        use number = value.ToScalar()

        bias.narrow(0L, int64 (start + heads * (options.Width + 1)), int64 heads).fill_ number
        |> ignore

let private sameAsReference (gates: float option) (seeds: uint64 seq) : unit =
    for seed in seeds do
        withModel drawDiscrete seed (fun case model ->
            gates |> Option.iter (setGates model (case.Options :?> NtmOptions))
            model.eval ()
            let input = randomTensor seed [ case.Batch; min 12 case.Time; case.Inputs ]
            let expected, _ = forward model input
            model.Fuse case.Kernel
            let got, _ = forward model input
            Expect.isLessThan (disagreement got expected) 1e-3 $"{case}")

let tests =
    testList "NtmFocus" [
        testCase "fused heads on one slot give the reference engine's values, for 60 drawn shapes" (fun () ->
            sameAsReference None (seq { 701UL .. 760UL }))

        testCase
            "fused heads on one slot give the reference engine's values where content never decides, and where it always does"
            (fun () ->
                sameAsReference (Some -6.0) (seq { 761UL .. 790UL })
                sameAsReference (Some 6.0) (seq { 791UL .. 810UL }))

        testCase
            "in evaluation every head is on one slot, in both engines, and in training none is changed"
            (fun () ->
                for seed in 811UL .. 816UL do
                    withModel drawDiscrete seed (fun case model ->
                        let input = randomTensor seed [ 1; 6; case.Inputs ]
                        let soft, _ = forward model input

                        for fuse in [ false; true ] do
                            if fuse then
                                model.Fuse case.Kernel

                            model.eval ()
                            let _, trace = forward model input

                            for step in trace.Steps do
                                for weighting in Seq.append step.ReadWeighting step.WriteWeighting do
                                    Expect.equal (Array.max weighting) 1.0f "one slot"
                                    Expect.equal (Array.sum weighting) 1.0f "alone"

                            model.train ()
                            let again, _ = forward model input
                            Expect.isLessThan (disagreement again soft) 1e-4 "training is as ever"))

        testCase "streaming gives the numbers of the whole sequence" (fun () ->
            for seed in 817UL .. 822UL do
                withModel drawDiscrete seed (fun case model ->
                    model.eval ()
                    model.Fuse case.Kernel
                    use noGradient = torch.no_grad ()
                    let input = randomTensor seed [ 2; 9; case.Inputs ]
                    let mutable state = model.InitialState 2L

                    let steps = [|
                        for step in input.unbind 1L do
                            let struct (logits, next) = model.Step(step, state)
                            state <- next
                            logits
                    |]

                    let distance = Tensors.distance (torch.stack (steps, 1L)) (model.Forward input)
                    Expect.isLessThan distance 1e-5 $"{case}"))

        testCase "with gradients wanted the reference engine computes, and gives them" (fun () ->
            withModel drawDiscrete 823UL (fun case model ->
                model.Fuse case.Kernel
                model.eval ()
                let input = randomTensor 1UL [ 2; 4; case.Inputs ]
                let logits = model.Forward input
                logits.sum().backward()
                let without, _ = forward model input
                Expect.isLessThan (disagreement (logits.detach ()) without) 1e-4 "the same values"
                let slope = gradient (Tensors.parameter model "output_bias")
                Expect.all (Tensors.values slope) (fun value -> abs (value - 8.0) < 1e-4) "8 steps"))
    ]
