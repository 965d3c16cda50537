module NtmLab.Tests.Memory.SurprisePolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingCase
open NtmLab.Tests.Memory.KeepingOracle
open TorchSharp

let private nothing: Expectation = { Prediction = Array.zeroCreate inputWidth; Errors = [] }

let private asLoops =
    law "place, memory, strengths, reads and price are those of plain loops" (fun case ->
        let random = RandomStream(case.Seed, "options")

        let options =
            SurpriseOptions(
                Width = case.Width,
                ReadHeads = case.Heads,
                Threshold = random.NextUniform(0.0, 1.5),
                Sharpness = random.NextUniform(0.5, 8.0),
                PredictionWeight = random.NextUniform(0.0, 1.0)
            )

        use policy = new SurprisePolicy(options, inputWidth)

        follows case policy inputWidth nothing (fun _ _ ->
            surprise options.Threshold options.Sharpness options.PredictionWeight))

/// Strengths after each step, and the last price, of inputs and of what each step predicts of the next one.
let private strengths (options: SurpriseOptions) (steps: (float list * float list) list) : float[] list =
    let vector = [ 1.0; 1.0 ]

    [
        for _, strength, _ in
            play (new SurprisePolicy(options, inputWidth)) 3 [
                for input, prediction in steps -> offering input vector vector prediction
            ] -> strength
    ]

let private drawn =
    testList "drawn" [
        test "the first input is as surprising as the mean so far, its own error" {
            let first = (strengths (SurpriseOptions(Width = 2)) [ [ 3.0; 4.0 ], [ 0.0; 0.0 ] ])[0]
            Expect.equal first [| 0.5; 0.0; 0.0 |] "saved with half a strength"
        }

        test "an input that was predicted is not saved, one that was not is, the more strongly the worse" {
            // Errors 1, 0, 4, 9: means 1, 1/2, 5/3, 7/2.
            let after =
                strengths (SurpriseOptions(Width = 2, Threshold = 1.0, Sharpness = 2.0)) [
                    [ 1.0; 1.0 ], [ 1.0; 0.0 ]
                    [ 1.0; 0.0 ], [ 0.0; 0.0 ]
                    [ 2.0; 2.0 ], [ 0.0; 0.0 ]
                    [ 3.0; 3.0 ], [ 0.0; 0.0 ]
                ]

            let strength ratio = 1.0 / (1.0 + exp (-2.0 * (ratio - 1.0)))
            Expect.equal after[1] after[0] "nothing new"

            for actual, expected in
                List.zip (List.ofArray after[3]) [ 0.5; strength 2.4; strength (9.0 / 3.5) ] do
                Expect.isLessThan (abs (actual - expected)) 1e-5 "two more slots"
        }

        test "a higher threshold saves less, and none at all nothing but surprises" {
            let steps = [ for x in [ 1.0; 1.1; 0.9; 5.0; 1.0 ] -> [ x; x ], [ 0.0; 0.0 ] ]

            let used threshold =
                List.last (strengths (SurpriseOptions(Width = 2, Threshold = threshold)) steps)
                |> Array.filter ((<) 0.0)
                |> Array.length

            Expect.equal [ for t in [ 0.0; 2.0; 100.0 ] -> used t ] [ 3; 1; 0 ] "slots used"
        }
    ]

let private price = test "the price is the weighted error, and its gradient reaches the prediction" {
    use scope = torch.NewDisposeScope()
    use policy = new SurprisePolicy(SurpriseOptions(Width = 1, PredictionWeight = 0.5), 2)
    let memory = torch.zeros (1L, 2L, 1L, torch.float64)
    let size = policy.InterfaceSize
    let values = torch.zeros(1L, int64 size, torch.float64).requires_grad_ true
    let start = policy.Observe(torch.zeros (1L, 2L, torch.float64), policy.Start memory)
    let struct (_, state) = policy.Write(memory, values, start)
    let input = torch.tensor ([| 1.0; -2.0 |], 1L, 2L)
    let price = nonNull (policy.Observe(input, state)).Price
    near (Tensors.values price) [| 0.5 * (1e-6 + 2.5 + 1e-6) |] "half the mean square, after that of nothing"
    price.sum().backward()
    // Key, key strength and offer come before the prediction p, whose part in the price is 0.5 (x - p)^2 / 2.
    near (Tensors.values (Tensors.gradient values)) [| 0.0; 0.0; 0.0; -0.5; 1.0 |] "p - x, halved"
}

let tests = testList "SurprisePolicy" [ asLoops; drawn; price ]
