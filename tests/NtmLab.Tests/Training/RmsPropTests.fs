module NtmLab.Tests.Training.RmsPropTests

open System
open Expecto
open NtmLab
open NtmLab.Tests
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

let private parameter (values: float[]) : Parameter = new Parameter(torch.tensor values)

let private optimiser (options: RmsPropOptions) (clip: float) (parameters: Parameter list) : RmsProp =
    new RmsProp(
        [| for i, parameter in List.indexed parameters -> struct ($"p{i}", parameter) |],
        options,
        clip
    )

let private give (gradient: float[]) (parameter: Parameter) : unit =
    // A backward pass of a linear function gives exactly its weights as gradient.
    (parameter * torch.tensor gradient).sum().backward()

let private steps (optimiser: RmsProp) (parameter: Parameter) (gradients: float[] list) : unit =
    for gradient in gradients do
        give gradient parameter
        optimiser.Step()

let private optimiserBits (optimiser: RmsProp) : (string * byte[]) list = [
    for struct (name, value) in optimiser.State -> name, Tensors.bits value
]

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
            use optimiser = optimiser options 2.0 [ trained ]
            steps optimiser trained gradients

            let expected =
                start
                |> Array.mapi (fun i value -> oracle options 2.0 value [ for g in gradients -> g[i] ])

            Expect.isLessThan (Tensors.distance trained (torch.tensor expected)) 1e-9 "every value")

        test "clips every gradient value to the limit" {
            let options = RmsPropOptions()
            let far, near = parameter [| 0.5; 0.5 |], parameter [| 0.5; 0.5 |]
            use first = optimiser options 2.0 [ far ]
            use second = optimiser options 2.0 [ near ]
            steps first far [ [| 1000.0; -3.0 |] ]
            steps second near [ [| 2.0; -2.0 |] ]
            Expect.equal (Tensors.bits far) (Tensors.bits near) "as if it had been the limit"
        }

        test "clears the gradients after a step" {
            let trained = parameter [| 1.0 |]
            use optimiser = optimiser (RmsPropOptions()) 10.0 [ trained ]
            steps optimiser trained [ [| 1.0 |] ]
            Expect.equal (Tensors.values (Tensors.gradient trained)) [| 0.0 |] "ready for the next"
        }

        test "leaves a parameter without a gradient" {
            let used, unused = parameter [| 1.0 |], parameter [| 1.0 |]
            use optimiser = optimiser (RmsPropOptions()) 10.0 [ used; unused ]
            steps optimiser used [ [| 1.0 |] ]
            Expect.equal (Tensors.values unused) [| 1.0 |] "it stays"
        }

        for name, value in [ "infinite", infinity; "undefined", nan ] do
            test $"an {name} gradient moves no parameter and no state" {
                let first, second = parameter [| 1.0; 2.0 |], parameter [| 3.0 |]
                use optimiser = optimiser (RmsPropOptions()) 10.0 [ first; second ]
                give [| 1.0; 1.0 |] first
                give [| value |] second
                let before = Tensors.bits first, Tensors.bits second, optimiserBits optimiser

                Faults.says<DivergenceException>
                    [ "gradient of p1"; "no longer finite"; "learningRate" ]
                    optimiser.Step

                Expect.equal
                    (Tensors.bits first, Tensors.bits second, optimiserBits optimiser)
                    before
                    "all as before"
            }

        test "an infinite gradient is not there any more in the next step" {
            let trained = parameter [| 1.0 |]
            use optimiser = optimiser (RmsPropOptions()) 10.0 [ trained ]
            give [| infinity |] trained
            Faults.sentence<DivergenceException> optimiser.Step |> ignore
            steps optimiser trained [ [| 1.0 |] ]
            Expect.isTrue (Double.IsFinite(trained.ToDouble())) "a step with a good gradient works"
        }

        for clip, epsilon in [ 10.0, 1e-4; 100.0, 1e-4; 1.0, 1e-8 ] do
            test $"steady gradients up to a clip of {clip} keep parameters finite with epsilon {epsilon}" {
                // n - g^2 is then 0 but for rounding, which single precision makes negative as often as positive.
                let random = RandomStream(1UL, "steady")
                let size low = Array.init 64 (fun _ -> float32 (random.NextUniform(low * clip, clip)))
                let trained = new Parameter(torch.zeros 64L)
                use optimiser = optimiser (RmsPropOptions(Epsilon = epsilon)) clip [ trained ]

                for size in [ size 0.95; size 0.85; size 0.5 ] do
                    use gradient = torch.tensor size

                    for _ in 1..250 do
                        use scope = torch.NewDisposeScope()
                        (trained * gradient).sum().backward()
                        optimiser.Step()

                Expect.all (Tensors.values trained) Double.IsFinite "no square root of a negative number"
            }
    ]
