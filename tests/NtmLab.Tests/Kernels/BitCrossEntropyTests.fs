module NtmLab.Tests.Kernels.BitCrossEntropyTests

open System
open Expecto
open NtmLab
open NtmLab.Kernels

let private paths = [ VectorPath.Scalar; VectorPath.Vector128; VectorPath.Vector256; VectorPath.Vector512 ]

/// Logits of every size, targets and masks of a drawn shape.
let private draw (seed: uint64) =
    let random = RandomStream(seed, "bits")
    let rows, bits = random.Next(1, 60), random.Next(1, 12)

    let logits =
        Array.init (rows * bits) (fun _ ->
            float32 (random.NextUniform(-1.0, 1.0) * 10.0 ** random.NextUniform(-3.0, 2.0)))

    let targets = Array.init (rows * bits) (fun _ -> float32 (random.Next 2))
    let mask = Array.init rows (fun _ -> [| 0.0f; 1.0f; 1.0f; 0.25f |][random.Next 4])
    bits, logits, targets, mask

let private evaluate path (logits: float32[]) (targets: float32[]) (mask: float32[]) scale =
    let gradients = Array.create logits.Length nanf

    let loss =
        BitCrossEntropy.Evaluate(
            ReadOnlySpan logits,
            ReadOnlySpan targets,
            ReadOnlySpan mask,
            scale,
            Span gradients,
            path
        )

    loss, gradients

let tests =
    testList "BitCrossEntropy" [
        test "every vector width gives the loss and gradient of plain loops" {
            for seed in 1UL .. 50UL do
                let bits, logits, targets, mask = draw seed

                let terms =
                    Array.mapi2
                        (fun i (x: float32) (t: float32) ->
                            let x, t, m = float x, float t, float mask[i / bits]
                            let loss = m * (max x 0.0 - x * t + log (1.0 + exp -(abs x)))
                            loss, m * 0.5 * (1.0 / (1.0 + exp -x) - t))
                        logits
                        targets

                for path in paths do
                    let loss, gradients = evaluate path logits targets mask 0.5f
                    let expected = Array.sumBy fst terms

                    Expect.isLessThan
                        (abs (loss - expected))
                        (1e-5 * (1.0 + expected))
                        $"loss, {path}, seed {seed}"

                    for (_, expected), got in Array.zip terms gradients do
                        Expect.isLessThan (abs (float got - expected)) 2e-7 $"gradient, {path}, seed {seed}"
        }

        test "numbers that are not finite give a loss that is not" {
            for wrong in [ nanf; infinityf; -infinityf ] do
                for path in paths do
                    let logits = Array.create 40 0.5f
                    logits[17] <- wrong
                    // Where infinity has the right sign its loss is 0 times infinity all the same.
                    for target in [ 0.0f; 1.0f ] do
                        let loss, _ = evaluate path logits (Array.create 40 target) (Array.create 8 1.0f) 1.0f
                        Expect.isFalse (Double.IsFinite loss) $"{wrong} at target {target}, {path}"
        }

        test "wrong bits count where the weight is not 0" {
            let wrong =
                BitCrossEntropy.WrongBits(
                    ReadOnlySpan [| 1.0f; -1.0f; 1.0f; 1.0f |],
                    ReadOnlySpan [| 1.0f; 1.0f; 0.0f; 0.0f |],
                    ReadOnlySpan [| 1.0f; 0.0f |]
                )

            Expect.equal wrong 1 "the second bit of the first row"
        }

        test "lengths that do not fit are refused" {
            Expect.throwsT<ArgumentException>
                (fun () ->
                    evaluate
                        VectorPath.Auto
                        (Array.zeroCreate 7)
                        (Array.zeroCreate 7)
                        (Array.zeroCreate 2)
                        1.0f
                    |> ignore)
                "half a row"
        }
    ]
