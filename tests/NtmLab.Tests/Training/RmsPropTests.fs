module NtmLab.Tests.Training.RmsPropTests

open System
open Expecto
open NtmLab
open NtmLab.Tests
open NtmLab.Tests.Training.Gradients
open NtmLab.Training
open TorchSharp
open TorchSharp.Modules

/// The equations of Graves 2013 (38 to 41), one value at a time.
let private oracle (options: RmsPropOptions) (clip: float) (start: float) (gradients: float list) : float =
    let step (value, n, g, delta) gradient =
        let gradient = gradient |> max -clip |> min clip
        let n = options.Decay * n + (1.0 - options.Decay) * gradient * gradient
        let g = options.Decay * g + (1.0 - options.Decay) * gradient

        let delta =
            options.Momentum * delta
            - options.LearningRate * gradient / sqrt (n - g * g + options.Epsilon)

        value + delta, n, g, delta

    let value, _, _, _ = List.fold step (start, 0.0, 0.0, 0.0) gradients
    value

let tests =
    testList "RmsProp" [
        testProperty "equals its equations in plain doubles over several steps" (fun (seed: uint64) ->
            let random = RandomStream(seed, "rmsprop")

            let options =
                RmsPropOptions(
                    LearningRate = random.NextUniform(1e-5, 1e-1),
                    Decay = random.NextUniform(0.0, 0.99),
                    Momentum = random.NextUniform(0.0, 0.99)
                )

            let start = Array.init 5 (fun _ -> random.NextUniform(-1.0, 1.0))
            let gradients = [ for _ in 1..8 -> Array.init 5 (fun _ -> random.NextUniform(-3.0, 3.0)) ]
            let trained = parameter start
            use optimiser = build options 2.0 0.0 [ trained ]
            steps optimiser trained gradients

            let expected =
                start
                |> Array.mapi (fun i value -> oracle options 2.0 value [ for g in gradients -> g[i] ])

            Expect.isLessThan (Tensors.distance trained (torch.tensor expected)) 1e-9 "every value")

        for clip, epsilon in [ 10.0, 1e-4; 100.0, 1e-4; 1.0, 1e-8 ] do
            test $"steady gradients up to a clip of {clip} keep parameters finite with epsilon {epsilon}" {
                // n - g^2 is then 0 but for rounding, which single precision makes negative as often as positive.
                let random = RandomStream(1UL, "steady")
                let size low = Array.init 64 (fun _ -> float32 (random.NextUniform(low * clip, clip)))
                let trained = new Parameter(torch.zeros 64L)
                use optimiser = build (RmsPropOptions(Epsilon = epsilon)) clip 0.0 [ trained ]

                for size in [ size 0.95; size 0.85; size 0.5 ] do
                    use gradient = torch.tensor size

                    for _ in 1..250 do
                        use scope = torch.NewDisposeScope()
                        (trained * gradient).sum().backward()
                        optimiser.Step()

                Expect.all (Tensors.values trained) Double.IsFinite "no square root of a negative number"
            }
    ]
