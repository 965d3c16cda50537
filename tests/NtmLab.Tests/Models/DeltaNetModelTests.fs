module NtmLab.Tests.Models.DeltaNetModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Models.Blocks
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Training
open TorchSharp

let private variants: (string * DeltaNetOptions) list = [
    "one head", DeltaNetOptions(Width = 5, Heads = 1, Layers = 1)
    "two layers of two heads", DeltaNetOptions(Width = 6, Heads = 2, Layers = 2, Convolution = 3, Hidden = 5)
    "no convolution", DeltaNetOptions(Width = 6, Heads = 3, Layers = 1, Convolution = 0)
    "the additive rule",
    DeltaNetOptions(Width = 6, Heads = 2, Layers = 2, Convolution = 2, Rule = FastWeightRule.Additive)
]

let private build (options: DeltaNetOptions) : SequenceModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

/// The fewest hops from input(0) to output(lag), by visiting every place that a signal can be at.
let private fewestHops (options: DeltaNetOptions) (lag: int) : int64 =
    let unreached = System.Int64.MaxValue / 2L
    // Hops to the residual stream below the first layer: the input projection.
    let below = Array.init (lag + 1) (fun t -> if t = 0 then 1L else unreached)

    let throughLayer (below: int64[]) =
        // Within a layer: the convolution's output, then the matrix, which hands on from step to step.
        let reach = max 0 (options.Convolution - 1)
        let convolved t = Array.min below[max 0 (t - reach) .. t]
        let matrix = Array.init (lag + 1) convolved

        for t in 1..lag do
            matrix[t] <- min matrix[t] (matrix[t - 1] + 1L)

        Array.map2 min below (matrix |> Array.map ((+) 1L))

    (Seq.replicate options.Layers throughLayer |> Seq.fold (|>) below)[lag] + 1L

let private paths =
    testList "path length" [
        for layers, convolution in [ 1, 0; 1, 1; 1, 4; 2, 2; 2, 4; 3, 3 ] do
            test $"with {layers} layers and a convolution of {convolution} is that of the shortest way" {
                let options =
                    DeltaNetOptions(Width = 2, Heads = 1, Layers = layers, Convolution = convolution)

                let model = build options

                for lag in 0..12 do
                    Expect.equal (model.PathLength(int64 lag)) (fewestHops options lag) $"lag {lag}"
            }
    ]

let private sizes =
    testList "sizes" [
        test "the default model has the parameters, state and products of its equations" {
            let width, heads, taps, layers = 64, 2, 4, 2
            let norm = 2 * width
            let projections = 3 * width * width + width * heads + width * width
            let convolution = taps * 3 * width
            let memory = norm + projections + convolution + norm
            let feedForward = norm + 2 * (width * 2 * width) + 2 * width + width
            let input, output = width * inputWidth + width, outputWidth * width + outputWidth
            let model = build (DeltaNetOptions())

            Expect.equal
                model.ParameterCount
                (int64 (input + layers * (memory + feedForward) + norm + output))
                "parameters"

            let matrices = width * width / heads

            Expect.equal
                model.StateSize
                (int64 (layers * (matrices + (taps - 1) * 3 * width)))
                "matrices and the convolution's last inputs"

            let products = projections + convolution + 3 * matrices + 2 * (width * 2 * width)

            Expect.equal
                model.MultiplyAddsPerStep
                (int64 (width * inputWidth + layers * products + outputWidth * width))
                "multiply-adds"
        }

        test "a convolution of one step is none" {
            let count taps = (build (DeltaNetOptions(Convolution = taps))).ParameterCount
            Expect.equal (count 1) (count 0) "parameters"
            Expect.isLessThan (count 0) (count 2) "two steps are one"
        }
    ]

let private rules =
    testList "rules" [
        test "the additive rule has the same parameters, and other outputs" {
            use scope = torch.NewDisposeScope()
            let delta = build (DeltaNetOptions())
            let additive = build (DeltaNetOptions(Rule = FastWeightRule.Additive))

            let bits (model: SequenceModel) = [
                for parameter in model.parameters () -> Tensors.bits parameter
            ]

            Expect.equal (bits additive) (bits delta) "nothing else differs"
            let x = input 1UL 2 6
            let difference = Tensors.distance (delta.Forward x) (additive.Forward x)
            Expect.isGreaterThan difference 1e-4 "the rule does"
        }

        test "Forward and steps agree over several chunks" {
            use scope = torch.NewDisposeScope()
            use noGradient = torch.no_grad ()
            let model = build (DeltaNetOptions(Width = 6, Layers = 1))
            model.``to`` torch.float64 |> ignore
            let time = 2 * FastWeights.ChunkLength + 3
            let x = (input 2UL 1 time).``to`` torch.float64
            let mutable state = model.InitialState 1L

            let steps = [|
                for step in x.unbind 1L do
                    let struct (logits, next) = model.Step(step, state)
                    state <- next
                    logits
            |]

            Expect.isLessThan (Tensors.distance (model.Forward x) (torch.stack (steps, 1L))) 1e-11 "all steps"
        }

        test "a silent input has a finite gradient" {
            use scope = torch.NewDisposeScope()
            let model = build (DeltaNetOptions())
            // Keys and queries of exactly zero, whose length is divided by.
            model.Forward(torch.zeros (2L, 5L, int64 inputWidth)).sum().backward()

            for parameter in model.parameters () do
                Expect.isTrue ((Tensors.gradient parameter).isfinite().all().ToBoolean()) "no infinity"
        }
    ]

let private faults =
    testList "options" [
        for options, words in
            [
                DeltaNetOptions(Width = 0), [ "model.width: 0"; "1 or more" ]
                DeltaNetOptions(Heads = 0), [ "model.heads: 0"; "1 or more" ]
                DeltaNetOptions(Layers = 0), [ "model.layers: 0"; "1 or more" ]
                DeltaNetOptions(Convolution = -1), [ "model.convolution: -1"; "0 or more" ]
                DeltaNetOptions(Hidden = -1), [ "model.hidden: -1"; "0 or more" ]
                DeltaNetOptions(Width = 7, Heads = 2), [ "model.width: 7"; "2 heads"; "multiple" ]
            ] do
            test $"{words.Head} is refused by name" {
                Faults.says<ConfigurationException> words (fun () -> build options |> ignore)
            }
    ]

let tests =
    testList "DeltaNetModel" [
        for name, options in variants do
            ModelLaws.tests name options

        paths
        sizes
        rules
        faults
        ModelLaws.learns
            (DeltaNetOptions(Width = 16, Layers = 1))
            6_000L
            (RmsPropOptions(LearningRate = 3e-3))
    ]
