module NtmLab.Tests.Training.AdamTests

open System.Collections.Generic
open Expecto
open NtmLab
open NtmLab.Tests
open NtmLab.Tests.Training.Gradients
open NtmLab.Training
open TorchSharp
open TorchSharp.Modules

let private relative (tolerance: float) (actual: torch.Tensor) (expected: torch.Tensor) : unit =
    for a, e in Array.zip (Tensors.values actual) (Tensors.values expected) do
        Expect.isLessThan (abs (a - e)) (tolerance * abs e) $"{a} is {e}"

/// Values away from 0, where a relative difference means little.
let private away (random: RandomStream) (count: int) : float[] =
    Array.init count (fun _ -> random.NextUniform(0.5, 2.0) * (if random.Next 2 = 0 then 1.0 else -1.0))

let private options (random: RandomStream) : AdamOptions =
    AdamOptions(
        LearningRate = random.NextUniform(1e-5, 2e-2),
        Beta1 = random.NextUniform(0.0, 0.99),
        Beta2 = random.NextUniform(0.5, 0.9999),
        Epsilon = random.NextUniform(1e-10, 1e-4),
        WeightDecay = random.NextUniform(0.0, 0.5)
    )

/// libtorch's AdamW over the same gradients.
let private theirs (options: AdamOptions) (start: Parameter) (gradients: float[] list) : Parameter =
    let trained = new Parameter(start.detach().clone())

    use optimiser =
        torch.optim.AdamW(
            [ trained ],
            options.LearningRate,
            options.Beta1,
            options.Beta2,
            options.Epsilon,
            options.WeightDecay
        )

    for gradient in gradients do
        optimiser.zero_grad ()
        give gradient trained
        optimiser.step () |> ignore

    trained

let private againstTheirs (scalar: torch.ScalarType) (tolerance: float) (seed: uint64) : unit =
    let random = RandomStream(seed, "adam")
    let options = options random
    let start = new Parameter((torch.tensor (away random 37)).``to`` scalar)
    let gradients = [ for _ in 1..9 -> Array.init 37 (fun _ -> random.NextUniform(-3.0, 3.0)) ]
    let expected = theirs options start gradients
    use optimiser = build options 10.0 0.0 [ start ]
    steps optimiser start gradients
    relative tolerance start expected

let private one (options: AdamOptions) (gradients: float list) : float =
    let trained = parameter [| 2.0 |]
    use optimiser = build options 10.0 0.0 [ trained ]
    steps optimiser trained [ for gradient in gradients -> [| gradient |] ]
    (Tensors.values trained)[0]

let tests =
    testList "Adam" [
        testProperty
            "equals libtorch's AdamW over several steps, in double precision"
            (againstTheirs torch.float64 1e-12)

        testProperty
            "equals libtorch's AdamW over several steps, in single precision"
            (againstTheirs torch.float32 1e-6)

        test "moves by the learning rate in its first step, whatever the gradient" {
            for gradient in [ 1e-3; 1.0; -9.0 ] do
                let moved = one (AdamOptions(LearningRate = 0.1)) [ gradient ] - 2.0
                Expect.floatClose Accuracy.medium moved (-0.1 * float (sign gradient)) "up to epsilon"
        }

        test "takes weights away in proportion, whatever the gradient" {
            // Were the decay a part of the gradient, the first step would still be the learning rate long.
            let decaying = AdamOptions(LearningRate = 0.1, WeightDecay = 0.25)

            for gradient in [ 1e-3; 1.0; -9.0 ] do
                let without = one (AdamOptions(LearningRate = 0.1)) [ gradient ]

                Expect.floatClose
                    Accuracy.high
                    (one decaying [ gradient ])
                    (without - 0.1 * 0.25 * 2.0)
                    "decoupled"
        }

        test "takes weights away where the gradient is 0" {
            let decaying = AdamOptions(LearningRate = 0.1, WeightDecay = 0.5)
            Expect.floatClose Accuracy.high (one decaying [ 0.0; 0.0; 0.0 ]) (2.0 * 0.95 ** 3.0) "three times"
        }

        test "counts its steps in its state" {
            let trained = parameter [| 1.0; 2.0 |]
            use optimiser = build (AdamOptions()) 10.0 0.0 [ trained ]
            steps optimiser trained [ [| 1.0; 1.0 |]; [| 1.0; 1.0 |]; [| 1.0; 1.0 |] ]
            let state = Map [ for struct (name, value) in optimiser.State -> name, value ]
            Expect.equal (List.ofSeq (Map.keys state)) [ "p0.mean"; "p0.mean_square"; "step" ] "names"
            Expect.equal (Tensors.values state["step"]) [| 3.0 |] "three steps"
        }

        test "goes on from a state that is put back" {
            let random = RandomStream(1UL, "adam")
            let gradients = [ for _ in 1..6 -> away random 3 ]
            let start = away random 3
            let whole, first = parameter start, parameter start
            use uninterrupted = build (AdamOptions()) 10.0 0.0 [ whole ]
            steps uninterrupted whole gradients
            use before = build (AdamOptions()) 10.0 0.0 [ first ]
            steps before first (List.take 2 gradients)
            use after = build (AdamOptions()) 10.0 0.0 [ first ]

            for struct (_, fresh), struct (_, held) in Seq.zip after.State before.State do
                fresh.copy_ held |> ignore

            steps after first (List.skip 2 gradients)
            Expect.equal (Tensors.bits first) (Tensors.bits whole) "the count of steps included"
        }
    ]
