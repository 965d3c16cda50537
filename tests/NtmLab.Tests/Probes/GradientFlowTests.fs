module NtmLab.Tests.Probes.GradientFlowTests

open System
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Samples
open TorchSharp

let private build (options: ModelOptions) (outputs: int) : SequenceModel =
    options.Build(inputWidth, outputs, RandomStream(1UL, "model"))

/// Makes a recurrent model of one unit linear: with zero biases and tiny inputs, every hidden state stays within the linear part
/// of tanh, h(t) = 0.9 h(t-1) + 1e-9 x(t).
let private linearise (model: SequenceModel) : unit =
    use noGradient = torch.no_grad ()

    for struct (name, parameter) in model.named_parameters () do
        parameter.zero_ () |> ignore

        if name.Contains "hidden_weight" then
            Tensors.addNumber 0.9 parameter
        elif name.Contains "input_weight" then
            Tensors.addNumber 1e-9 (parameter.narrow (1L, 0L, 1L))
        elif name = "output_weight" then
            Tensors.addNumber 1.0 parameter

/// The bits that the probe draws from a seed, as it states: fair coin flips from the stream "probe input".
let private bits (seed: uint64) (time: int) : torch.Tensor =
    let values = Array.zeroCreate<float32>(time * inputWidth)
    RandomStream(seed, "probe input").FillBits(Span<float32> values)

    torch.tensor(values, ReadOnlySpan<int64> [| 1L; int64 time; int64 inputWidth |]).``to`` torch.float64

/// The norm of the gradient of the only logit by central differences, with respect to the first input.
let private byDifferences (model: SequenceModel) (input: torch.Tensor) (lag: int) : float =
    use noGradient = torch.no_grad ()
    let half = 1e-5

    let at (channel: int) (by: float) =
        let moved = input.clone ()
        moved.narrow(1L, 0L, 1L).narrow(2L, int64 channel, 1L) |> Tensors.addNumber by
        (Tensors.values (model.Forward moved))[lag]

    sqrt (
        List.sum [
            for channel in 0 .. inputWidth - 1 -> ((at channel half - at channel -half) / (2.0 * half)) ** 2.0
        ]
    )

/// Models of every kind of path, small.
let private models: (string * ModelOptions) list = [
    "rnn", RnnOptions(Units = 5)
    "lstm", LstmOptions(Units = 5, Layers = 2)
    "gru", GruOptions(Units = 5)
    "ntm", NtmOptions(Controller = lstm 5 1, Slots = 7, Width = 3)
    "dnc", DncOptions(Controller = lstm 5 1, Slots = 6, Width = 3)
]

let tests =
    testList "GradientFlow" [
        test "a linear recurrence decays by its factor in each step" {
            use scope = torch.NewDisposeScope()
            use model = build (RnnOptions(Units = 1)) 1
            linearise model
            let lags = [| 0; 1; 10; 100; 1000 |]

            for norm in GradientFlow.Measure(model, lags) do
                // |d out(lag) / d x(0)| = 1e-9 0.9^lag; the parameters were written in single precision.
                let expected = float 1e-9f * float 0.9f ** float norm.Lag
                Expect.isLessThan (abs (norm.Mean / expected - 1.0)) 1e-6 $"lag {norm.Lag}"
                Expect.floatClose Accuracy.medium (norm.Greatest / norm.Least) 1.0 "all sequences alike"
        }

        for name, options in models do
            test $"a {name} has the norms of finite differences" {
                use scope = torch.NewDisposeScope()
                use model = build options 1
                stir 2UL model
                let lags = [| 0; 1; 4; 9 |]
                let found = GradientFlow.Measure(model, lags, 1, 1, 5UL)
                let input = bits 5UL 10

                for norm in found do
                    let expected = byDifferences model input norm.Lag
                    let difference = abs (norm.Mean - expected)

                    Expect.isLessThan
                        difference
                        (1e-8 + 1e-5 * expected)
                        $"lag {norm.Lag}: {norm.Mean}, {expected}"
            }

        test "nothing arrives where there is no path" {
            use scope = torch.NewDisposeScope()
            use model = build (ContextAttentionOptions(Context = 4)) outputWidth
            let norms = GradientFlow.Measure(model, [| 3; 4; 20 |])
            Expect.isGreaterThan norms[0].Mean 0.0 "within the context"
            Expect.equal norms[1].Greatest 0.0 "beyond it"
            Expect.equal norms[2].Greatest 0.0 "far beyond it"
        }

        test "the same seed gives the same numbers, and another seed others" {
            use scope = torch.NewDisposeScope()
            use model = build (GruOptions(Units = 4)) outputWidth

            let at (seed: uint64) =
                let norms = GradientFlow.Measure(model, [| 5 |], 2, 2, seed)
                norms[0].Mean

            Expect.equal (at 3UL) (at 3UL) "the same"
            Expect.notEqual (at 3UL) (at 4UL) "another"
        }

        for name, options in models |> List.take 4 do
            test $"the fused engine finds the norms of the reference engine in {name}" {
                use scope = torch.NewDisposeScope()
                let lags = [| 0; 3; 12 |]

                let measured (engine: EngineChoice) =
                    use model = build options outputWidth
                    stir 2UL model
                    GradientFlow.Measure(model, lags, 3, 2, 7UL, engine)

                for fused, reference in Seq.zip (measured EngineChoice.Auto) (measured EngineChoice.Reference) do
                    let near (a: float) (b: float) = abs (a - b) <= 1e-3 * b

                    Expect.isTrue
                        (near fused.Mean reference.Mean)
                        $"lag {fused.Lag}: {fused.Mean}, {reference.Mean}"

                    Expect.isTrue (near fused.Least reference.Least) "the least"
                    Expect.isTrue (near fused.Greatest reference.Greatest) "the greatest"
            }

        test "a model that the fused engine does not know is probed with the other, or refused" {
            use scope = torch.NewDisposeScope()
            let options = LruaOptions(Controller = lstm 5 1, Slots = 6, Width = 3)

            let measured (engine: EngineChoice) =
                use model = build options outputWidth
                GradientFlow.Measure(model, [| 2 |], engine = engine)[0]

            Expect.equal (measured EngineChoice.Auto) (measured EngineChoice.Reference) "auto"

            Faults.says<ConfigurationException> [ "'fused' is not available"; "lrua model" ] (fun () ->
                measured EngineChoice.Fused |> ignore)
        }

        test "what cannot be probed is refused" {
            use scope = torch.NewDisposeScope()
            use model = build (GruOptions(Units = 4)) outputWidth

            Faults.says<ConfigurationException> [ "--lags"; "-1"; "0" ] (fun () ->
                GradientFlow.Measure(model, [| 3; -1 |]) |> ignore)

            Faults.says<ConfigurationException> [ "number of lags" ] (fun () ->
                GradientFlow.Measure(model, [||]) |> ignore)

            use tokens = new TokenModel(GruOptions(Units = 4), 5, 5, RandomStream(1UL, "model"))

            Faults.says<ConfigurationException> [ "tokens" ] (fun () ->
                GradientFlow.Measure(tokens, [| 3 |]) |> ignore)
        }
    ]
