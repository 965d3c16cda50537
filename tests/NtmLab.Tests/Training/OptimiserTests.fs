module NtmLab.Tests.Training.OptimiserTests

open System
open Expecto
open NtmLab
open NtmLab.Tests
open NtmLab.Tests.Training.Gradients
open NtmLab.Training
open TorchSharp
open TorchSharp.Modules

let private kinds: (string * OptimiserOptions) list = [
    "RMSProp", RmsPropOptions(LearningRate = 1e-2)
    "Adam", AdamOptions(LearningRate = 1e-2)
    "Adam with weight decay", AdamOptions(LearningRate = 1e-2, WeightDecay = 0.3)
]

let private uniform (random: RandomStream) (size: float) (count: int) : float[] =
    Array.init count (fun _ -> random.NextUniform(-size, size))

/// Takes the same steps from the same start with two settings; gives both outcomes.
let private both
    (options: OptimiserOptions)
    (first: float * float * float[] list)
    (second: float * float * float[] list)
    : byte[] * byte[] =
    let outcome (clip: float, clipNorm: float, gradients: float[] list) =
        let trained = parameter [| 0.5; -0.25 |]
        use optimiser = build options clip clipNorm [ trained ]
        steps optimiser trained gradients
        Tensors.bits trained

    outcome first, outcome second

let private stepping (options: OptimiserOptions) = [
    test "clears the gradients after a step" {
        let trained = parameter [| 1.0 |]
        use optimiser = build options 10.0 0.0 [ trained ]
        steps optimiser trained [ [| 1.0 |] ]
        Expect.equal (Tensors.values (Tensors.gradient trained)) [| 0.0 |] "ready for the next"
    }

    test "leaves a parameter without a gradient" {
        let used, unused = parameter [| 1.0 |], parameter [| 1.0 |]
        use optimiser = build options 10.0 0.0 [ used; unused ]
        steps optimiser used [ [| 1.0 |] ]
        Expect.equal (Tensors.values unused) [| 1.0 |] "it stays"
    }

    test "takes a fraction of its learning rate" {
        let whole, half = parameter [| 1.0; -2.0 |], parameter [| 1.0; -2.0 |]
        use slow = build options 10.0 0.0 [ half ]
        give [| 0.3; 1.0 |] half
        slow.Step 0.5
        use fast = build options 10.0 0.0 [ whole ]
        steps fast whole [ [| 0.3; 1.0 |] ]
        let moved = Array.map2 (-) [| 1.0; -2.0 |] (Tensors.values whole)
        let expected = Array.map2 (fun start moved -> start - 0.5 * moved) [| 1.0; -2.0 |] moved
        Expect.isLessThan (Tensors.distance half (torch.tensor expected)) 1e-12 "half the way"
    }

    testProperty "moves in single precision as in double, at any size" (fun (seed: uint64) ->
        let random = RandomStream(seed, "precision")
        let size = random.Next(1, 70)
        let start = uniform random 1.0 size
        let gradients = [ for _ in 1..6 -> uniform random 3.0 size ]
        let double = parameter start
        let single = new Parameter((torch.tensor start).``to`` torch.float32)
        use plain = build options 2.0 1.5 [ double ]
        use fused = build options 2.0 1.5 [ single ]
        steps plain double gradients
        steps fused single gradients
        Expect.isLessThan (Tensors.distance single double) 2e-6 "every value")

    test "moves a parameter that is not in one piece as one that is" {
        let random = RandomStream(1UL, "pieces")
        let start, gradient = uniform random 1.0 12, uniform random 1.0 12
        let single (values: float[]) = (torch.tensor (values, 3L, 4L)).``to`` torch.float32
        let whole = new Parameter(single start)
        let turned = new Parameter((single start).t().contiguous().t())
        Expect.isFalse (turned.is_contiguous ()) "columns first"
        use optimiser = build options 2.0 1.5 [ whole ]
        use other = build options 2.0 1.5 [ turned ]

        for _ in 1..5 do
            (whole * single gradient).sum().backward()
            (turned * single gradient).sum().backward()
            optimiser.Step()
            other.Step()

        Expect.isLessThan (Tensors.distance turned whole) 1e-6 "plain operations and the fused pass"
    }
]

let private clipping (options: OptimiserOptions) = [
    test "clips every gradient value to the limit" {
        let far, near = both options (2.0, 0.0, [ [| 1000.0; -3.0 |] ]) (2.0, 0.0, [ [| 2.0; -2.0 |] ])
        Expect.equal far near "as if it had been the limit"
    }

    test "scales gradients down to the norm that is allowed" {
        let clipped, scaled =
            both
                options
                (10.0, 2.5, [ [| 3.0; 4.0 |]; [| -4.0; 3.0 |] ])
                (10.0, 0.0, [ [| 1.5; 2.0 |]; [| -2.0; 1.5 |] ])

        Expect.equal clipped scaled "a norm of 5 becomes 2.5"
    }

    test "leaves gradients whose norm is allowed" {
        let limited, free = both options (10.0, 5.0, [ [| 3.0; 4.0 |] ]) (10.0, 0.0, [ [| 3.0; 4.0 |] ])
        Expect.equal limited free "a norm of 5 is 5 at most"
    }

    test "takes the norm of values that were clipped" {
        let both = both options (4.0, 2.5, [ [| 3.0; 1e30 |] ]) (10.0, 0.0, [ [| 1.5; 2.0 |] ])
        Expect.equal (fst both) (snd both) "one huge value does not silence the others"
    }

    test "takes the norm over all parameters" {
        let first, second, third =
            parameter [| 1.0 |], parameter [| 1.0; 1.0 |], parameter [| 1.0; 1.0; 1.0 |]

        use apart = build options 10.0 3.5 [ first; second ]
        use together = build options 10.0 3.5 [ third ]

        for _ in 1..3 do
            give [| 2.0 |] first
            give [| -3.0; 6.0 |] second
            apart.Step()
            steps together third [ [| 2.0; -3.0; 6.0 |] ]

        Expect.equal
            (Array.append (Tensors.values first) (Tensors.values second))
            (Tensors.values third)
            "a norm of 7"
    }

    test "moves nothing by gradients of 0, whatever norm is allowed" {
        let trained = parameter [| 0.0 |]
        use optimiser = build options 10.0 1.0 [ trained ]
        steps optimiser trained [ [| 0.0 |] ]
        Expect.equal (Tensors.values trained) [| 0.0 |] "no division by 0"
    }
]

let private divergence (options: OptimiserOptions) = [
    for name, value in [ "infinite", infinity; "undefined", nan ] do
        for precision, scalar in [ "single", torch.float32; "double", torch.float64 ] do
            test $"an {name} gradient in {precision} precision moves no parameter and no state" {
                let make (values: float[]) = new Parameter((torch.tensor values).``to`` scalar)
                let first, second = make [| 1.0; 2.0 |], make [| 3.0 |]
                use optimiser = build options 10.0 1.0 [ first; second ]
                give [| 1.0; 1.0 |] first
                give [| value |] second
                let everything () = Tensors.bits first, Tensors.bits second, stateBits optimiser
                let before = everything ()

                Faults.says<DivergenceException>
                    [ "gradient of p1"; "no longer finite"; "learningRate" ]
                    (fun () -> optimiser.Step())

                Expect.equal (everything ()) before "all as before"
            }

    test "an infinite gradient is not there any more in the next step" {
        let trained = parameter [| 1.0 |]
        use optimiser = build options 10.0 0.0 [ trained ]
        give [| infinity |] trained

        Faults.sentence<DivergenceException>(fun () -> optimiser.Step()) |> ignore

        steps optimiser trained [ [| 1.0 |] ]
        Expect.isTrue (Double.IsFinite(trained.ToDouble())) "a step with a good gradient works"
    }
]

let tests =
    testList "Optimiser" [
        for name, options in kinds do
            testList name [ yield! stepping options; yield! clipping options; yield! divergence options ]
    ]
