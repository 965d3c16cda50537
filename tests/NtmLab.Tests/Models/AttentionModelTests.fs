module NtmLab.Tests.Models.AttentionModelTests

open System
open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Training
open TorchSharp

/// Contexts shorter and longer than the sequences of the laws.
let private samples: (string * AttentionOptions) list = [
    "two layers and a short context",
    AttentionOptions(Width = 4, Heads = 2, Layers = 2, Hidden = 3, Context = 4)
    "three heads and one layer", AttentionOptions(Width = 6, Heads = 3, Layers = 1, Hidden = 5, Context = 6)
    "full attention", AttentionOptions(Width = 4, Heads = 1, Layers = 2, Context = 64)
    "learned positions",
    AttentionOptions(
        Width = 5,
        Heads = 1,
        Layers = 2,
        Hidden = 4,
        Positions = Positions.Learned,
        Context = 13
    )
    "no positions",
    AttentionOptions(Width = 3, Heads = 3, Layers = 3, Hidden = 2, Positions = Positions.None, Context = 3)
]

let private build (options: ModelOptions) : SequenceModel =
    let model = options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))
    stir 2UL model
    model

let private forward (model: SequenceModel) (input: torch.Tensor) : torch.Tensor =
    use noGradient = torch.no_grad ()
    model.Forward input

let private stepping (model: SequenceModel) (input: torch.Tensor) (state: ModelState) : torch.Tensor =
    use noGradient = torch.no_grad ()
    let mutable state = state

    let logits = [|
        for step in input.unbind 1L do
            let struct (logits, next) = model.Step(step, state)
            state <- next
            logits
    |]

    torch.stack (logits, 1L)

let private last (count: int64) (steps: torch.Tensor) = steps.narrow (1L, steps.shape[1] - count, count)

let private streaming =
    testList "streaming" [
        for context in [ 1; 2; 5 ] do
            test $"gives the numbers of whole sequences around and past a context of {context}" {
                use scope = torch.NewDisposeScope()

                let model =
                    build (AttentionOptions(Width = 4, Heads = 2, Layers = 3, Hidden = 4, Context = context))

                model.``to`` torch.float64 |> ignore

                for time in [ max 1 (context - 1); context; context + 1; 2 * context + 3; 6 * context ] do
                    let x = (input 1UL 2 time).``to`` torch.float64

                    let difference =
                        Tensors.distance (stepping model x (model.InitialState 2L)) (forward model x)

                    Expect.isLessThan difference 1e-12 $"{time} steps"
            }

        test "is as exact in single precision after 100 000 steps as at the start" {
            use scope = torch.NewDisposeScope()
            use noGradient = torch.no_grad ()
            let context, layers = 6, 2

            let model =
                build (AttentionOptions(Width = 4, Heads = 1, Layers = layers, Hidden = 4, Context = context))

            let x = input 1UL 1 100_000
            let tail = 20L
            let whole = last tail (forward model x)
            let struct (_, state) = model.Run(x.narrow (1L, 0L, 100_000L - tail), model.InitialState 1L)
            let streamed = stepping model (last tail x) state
            Expect.isLessThan (Tensors.distance streamed whole) 1e-5 "step by step"
            // The last outputs depend on no step before these, and on distances only.
            let seen = tail + int64 (layers * (context - 1))
            let fromThere = last tail (forward model (last seen x))

            Expect.isLessThan
                (Tensors.distance fromThere whole)
                1e-5
                "the same steps at the start of a sequence"
        }

        test "goes on without changing the state that it was given" {
            use scope = torch.NewDisposeScope()
            let model = build (snd samples.Head)
            let x = input 1UL 2 3
            let state = model.InitialState 2L
            let first = stepping model x state
            Expect.equal (Tensors.bits (stepping model x state)) (Tensors.bits first) "twice from the same"
        }
    ]

let private reach =
    testList "reach" [
        test "a lag costs an attention layer for every context - 1 steps, beside input and output" {
            let model = build (AttentionOptions(Width = 4, Heads = 2, Layers = 3, Context = 5))

            Expect.equal
                [ for lag in [ 0L; 1L; 4L; 5L; 8L; 9L; 12L; 13L ] -> model.PathLength lag ]
                [ 2L; 3L; 3L; 4L; 4L; 5L; 5L; Int64.MaxValue ]
                "three layers of a context of 5"
        }

        test "a context of one step has no path through time" {
            let model = build (AttentionOptions(Width = 4, Heads = 2, Context = 1))
            Expect.equal [ model.PathLength 0L; model.PathLength 1L ] [ 2L; Int64.MaxValue ] "0 and 1"
        }

        test "learned positions end a sequence, and every path, at the context" {
            let model =
                build (
                    AttentionOptions(
                        Width = 4,
                        Heads = 2,
                        Layers = 3,
                        Context = 5,
                        Positions = Positions.Learned
                    )
                )

            Expect.equal [ model.PathLength 4L; model.PathLength 5L ] [ 3L; Int64.MaxValue ] "4 and 5"
        }

        test "an output depends on the inputs that have a path to it, and on no others" {
            use scope = torch.NewDisposeScope()

            for layers, context in [ 1, 4; 2, 3; 3, 2 ] do
                let model =
                    build (
                        AttentionOptions(Width = 4, Heads = 2, Layers = layers, Hidden = 4, Context = context)
                    )

                model.``to`` torch.float64 |> ignore
                let x = (input 1UL 1 12).``to`` torch.float64
                let output = last 1L (forward model x)

                for lag in 0L .. 11L do
                    let other = x.clone ()
                    other.narrow (1L, 11L - lag, 1L) |> Tensors.addNumber 1.0
                    let change = Tensors.distance (last 1L (forward model other)) output
                    let reached = model.PathLength lag < Int64.MaxValue
                    Expect.equal (change > 1e-9) reached $"{layers} layers, context {context}, lag {lag}"
        }
    ]

let private sizes =
    testList "sizes" [
        test "the default model has the parameters of its equations" {
            let model = AttentionOptions().Build(inputWidth, outputWidth, RandomStream(1UL, "model"))
            let width, hidden = 64, 4 * 64
            let norm = 2 * width
            let attention = norm + 3 * width * width + width * width + width
            let feedForward = norm + hidden * width + hidden + width * hidden + width
            let ends = width * inputWidth + width + norm + outputWidth * width + outputWidth
            Expect.equal model.ParameterCount (int64 (2 * (attention + feedForward) + ends)) "the sum of all"
        }

        test "carries the keys and values of the context but one step, and a position" {
            let model = build (AttentionOptions(Width = 6, Heads = 3, Layers = 2, Context = 10))
            Expect.equal model.StateSize (int64 (2 * 2 * 9 * 6 + 1)) "two layers"
        }

        test "counts the multiply-adds of its matrices and of full contexts" {
            let model = build (AttentionOptions(Width = 6, Heads = 3, Layers = 2, Hidden = 5, Context = 10))
            let layer = 4 * 6 * 6 + 2 * 10 * 6 + 2 * 6 * 5
            let ends = 6 * inputWidth + outputWidth * 6
            Expect.equal model.MultiplyAddsPerStep (int64 (2 * layer + ends)) "two layers"
        }

        test "counts of a sequence what each step sees, up to the context" {
            let model = build (AttentionOptions(Width = 6, Heads = 3, Layers = 2, Hidden = 5, Context = 10))
            let step seen = 2 * (4 * 6 * 6 + 2 * seen * 6 + 2 * 6 * 5) + 6 * inputWidth + outputWidth * 6

            for steps in [ 0; 1; 2; 9; 10; 11; 57 ] do
                let sum = Seq.sum (seq { for t in 1..steps -> step (min t 10) })
                Expect.equal (model.MultiplyAdds steps) (int64 sum) $"{steps} steps"
        }
    ]

let private faults =
    testList "faults" [
        for words, options in
            [
                [ "model.width: 0" ], AttentionOptions(Width = 0)
                [ "model.heads: 0" ], AttentionOptions(Heads = 0)
                [ "model.layers: 0" ], AttentionOptions(Layers = 0)
                [ "model.hidden: -1" ], AttentionOptions(Hidden = -1)
                [ "model.context: 0" ], AttentionOptions(Context = 0)
                [ "model.width: 64"; "3 heads"; "multiple of the number of heads" ],
                AttentionOptions(Heads = 3)
                [ "model.positions: rotary"; "4 heads"; "width of 12"; "width 3"; "even" ],
                AttentionOptions(Width = 12)
            ] do
            test $"options are refused: {words.Head}" {
                Faults.says<ConfigurationException> words options.Validate

                Faults.says<ConfigurationException> words (fun () ->
                    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) |> ignore)
            }

        test "sequences longer than the learned positions are refused, at once and step by step" {
            use scope = torch.NewDisposeScope()

            let model =
                build (AttentionOptions(Width = 4, Heads = 2, Context = 5, Positions = Positions.Learned))

            let refused steps =
                Faults.says<ShapeException> [ "model 'attention'"; $"{steps} steps"; "5 learned" ]

            model.Forward(input 1UL 2 5) |> ignore
            refused 7 (fun () -> model.Forward(input 1UL 2 7) |> ignore)
            let struct (_, state) = model.Run(input 1UL 2 5, model.InitialState 2L)
            refused 6 (fun () -> model.Step((input 1UL 2 1).squeeze 1L, state) |> ignore)
        }
    ]

let tests =
    testList "AttentionModel" [
        for name, options in samples do
            ModelLaws.tests name options

        ModelLaws.learns
            (AttentionOptions(Width = 16, Heads = 2, Context = 16))
            30_000L
            (RmsPropOptions(LearningRate = 3e-3, Momentum = 0.0))

        streaming
        reach
        sizes
        faults
    ]
