module NtmLab.Tests.Models.ContextAttentionModelTests

open System
open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Models.Blocks
open NtmLab.Tests.Samples
open NtmLab.Training
open TorchSharp

/// Every score with every kind of positions that it has; contexts shorter and longer than the sequences of the laws.
let private samples: (string * ContextAttentionOptions) list = [
    "dot scores and rotary positions", ContextAttentionOptions(Width = 4, Hidden = 5, Context = 6)
    "dot scores and learned positions",
    ContextAttentionOptions(Width = 5, Hidden = 4, Positions = Positions.Learned, Context = 6)
    "dot scores without positions",
    ContextAttentionOptions(Width = 3, Hidden = 4, Positions = Positions.None, Context = 32)
    "additive scores and learned positions",
    ContextAttentionOptions(
        Width = 3,
        Hidden = 4,
        Score = AttentionScore.Additive,
        Positions = Positions.Learned,
        Context = 6
    )
    "additive scores without positions",
    ContextAttentionOptions(
        Width = 4,
        Hidden = 3,
        Score = AttentionScore.Additive,
        Positions = Positions.None,
        Context = 32
    )
]

let private build (options: ContextAttentionOptions) : SequenceModel =
    let model = options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))
    stir 2UL model
    model.``to`` torch.float64 |> ignore
    model

let private double (batch: int) (time: int) : torch.Tensor = (input 1UL batch time).``to`` torch.float64

/// W x + b, or W x, of one of the model's projections, for each step of one sequence.
let private project (model: SequenceModel) (name: string) (steps: float[][]) : float[][] =
    let weight = Tensors.parameter model $"{name}.weight"
    let rows = Tensors.values weight |> Array.chunkBySize (int weight.shape[1])

    let bias =
        match model.get_parameter $"{name}.bias" with
        | null -> Array.zeroCreate rows.Length
        | bias -> Tensors.values bias

    steps
    |> Array.map (fun step -> Array.map2 (fun row b -> AttentionOracle.dot row step + b) rows bias)

let private gelu (x: float) : float = torch.nn.functional.gelu(torch.tensor (x, torch.float64)).ToDouble()

/// The model's equations in a loop over steps, one sequence after the other.
let private byLoop
    (options: ContextAttentionOptions)
    (model: SequenceModel)
    (x: torch.Tensor)
    : torch.Tensor =
    let bias =
        if options.Positions = Positions.Learned then
            Tensors.values (Tensors.parameter model "positions.bias")
        else
            Array.zeroCreate options.Context

    let turn =
        if options.Positions = Positions.Rotary then
            Array.mapi AttentionOracle.turn
        else
            id

    let answer (steps: float[][]) =
        let encodings = project model "encoder" steps |> Array.map (Array.map tanh)
        let queries = turn (project model "query" encodings)
        let keys = turn (project model "key" encodings)

        let fit =
            match options.Score with
            | AttentionScore.Additive ->
                let vector = Tensors.values (Tensors.parameter model "score.vector")

                fun t i ->
                    AttentionOracle.dot vector (Array.map2 (fun q k -> tanh (q + k)) queries[t] keys[i])
            | _ -> AttentionOracle.scaledDot queries keys

        let contexts = AttentionOracle.attend options.Context (fun t i -> fit t i + bias[t - i]) encodings

        Array.map2 Array.append encodings contexts
        |> project model "hidden"
        |> Array.map (Array.map gelu)
        |> project model "output"

    (Tensors.values3 x |> Array.map answer |> AttentionOracle.tensor x.shape[0]).squeeze 1L

let private equations =
    testList "equations" [
        for name, options in samples do
            test $"equals a loop over steps with {name}" {
                use scope = torch.NewDisposeScope()
                use noGradient = torch.no_grad ()
                let model = build options
                let context = options.Context

                for time in List.distinct [ 1; min 9 (context - 1); min 9 context; min 12 (context + 1); 15 ] do
                    let x = double 2 time
                    let difference = Tensors.distance (model.Forward x) (byLoop options model x)
                    Expect.isLessThan difference 1e-12 $"{time} steps"
            }
    ]

let private reach =
    testList "reach" [
        test "every step of the context is as far, and none beyond" {
            let model = build (snd samples.Head)

            Expect.equal
                [ for lag in [ 0L; 1L; 5L; 6L ] -> model.PathLength lag ]
                [ 3L; 4L; 4L; Int64.MaxValue ]
                "a context of 6"
        }

        for name, options in samples do
            test $"an output depends on the inputs that have a path to it, and on no others, with {name}" {
                use scope = torch.NewDisposeScope()
                use noGradient = torch.no_grad ()
                let model = build options
                let x = double 1 10
                let last (logits: torch.Tensor) = logits.narrow (1L, 9L, 1L)
                let output = last (model.Forward x)

                for lag in 0L .. 9L do
                    let other = x.clone ()
                    other.narrow (1L, 9L - lag, 1L) |> Tensors.addNumber 1.0
                    let change = Tensors.distance (last (model.Forward other)) output
                    Expect.equal (change > 1e-9) (model.PathLength lag < Int64.MaxValue) $"lag {lag}"
            }
    ]

let private streaming =
    testList "streaming" [
        test "is as exact in single precision after 100 000 steps as at the start" {
            use scope = torch.NewDisposeScope()
            use noGradient = torch.no_grad ()
            let model = build (snd samples.Head)
            model.``to`` torch.float32 |> ignore
            let x = input 1UL 1 100_000
            let last (count: int64) (steps: torch.Tensor) = steps.narrow (1L, steps.shape[1] - count, count)
            let whole = last 1L (model.Forward x)
            let struct (_, state) = model.Run(x.narrow (1L, 0L, 99_999L), model.InitialState 1L)
            let struct (streamed, _) = model.Step((last 1L x).squeeze 1L, state)
            Expect.isLessThan (Tensors.distance (streamed.unsqueeze 1L) whole) 1e-5 "the last step alone"
            let fromThere = last 1L (model.Forward(last 6L x))
            Expect.isLessThan (Tensors.distance fromThere whole) 1e-5 "its context at the start of a sequence"
        }

        test "learned positions, being distances, do not end a sequence at the context" {
            let model = build (snd samples[1])
            let logits = model.Forward(double 1 40)
            Expect.equal logits.shape [| 1L; 40L; int64 outputWidth |] "a context of 6"
        }
    ]

let private sizes =
    testList "sizes" [
        test "carries the keys and encodings of the context but one step, and a position" {
            let model = build (ContextAttentionOptions(Width = 6, Hidden = 5, Context = 10))
            Expect.equal model.StateSize (int64 (2 * 9 * 6 + 1)) "one layer"
        }

        test "counts the multiply-adds of its matrices and of a full context" {
            let model = build (ContextAttentionOptions(Width = 6, Hidden = 5, Context = 10))
            let matrices = 6 * inputWidth + 2 * 6 * 6 + 5 * 2 * 6 + outputWidth * 5
            Expect.equal model.MultiplyAddsPerStep (int64 (matrices + 2 * 10 * 6)) "scores and sum"
        }

        test "counts of a sequence what each step sees, up to the context" {
            let model = build (ContextAttentionOptions(Width = 6, Hidden = 5, Context = 10))
            let matrices = 6 * inputWidth + 2 * 6 * 6 + 5 * 2 * 6 + outputWidth * 5

            for steps in [ 0; 1; 2; 9; 10; 11; 57 ] do
                let sum = Seq.sum (seq { for t in 1..steps -> matrices + 2 * min t 10 * 6 })
                Expect.equal (model.MultiplyAdds steps) (int64 sum) $"{steps} steps"
        }
    ]

let private faults =
    testList "faults" [
        for words, options in
            [
                [ "model.width: 0" ], ContextAttentionOptions(Width = 0)
                [ "model.hidden: 0" ], ContextAttentionOptions(Hidden = 0)
                [ "model.context: 0" ], ContextAttentionOptions(Context = 0)
                [ "model.width: 5"; "rotary"; "even" ], ContextAttentionOptions(Width = 5)
                [ "model.positions: rotary"; "additive"; "learned or none" ],
                ContextAttentionOptions(Score = AttentionScore.Additive)
            ] do
            test $"options are refused: {words.Head}" {
                Faults.says<ConfigurationException> words options.Validate

                Faults.says<ConfigurationException> words (fun () ->
                    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) |> ignore)
            }
    ]

let tests =
    testList "ContextAttentionModel" [
        for name, options in samples do
            ModelLaws.tests name options

        ModelLaws.learns
            (ContextAttentionOptions(Width = 16, Hidden = 32, Context = 16))
            40_000L
            (RmsPropOptions(LearningRate = 3e-3, Momentum = 0.0))

        equations
        reach
        streaming
        sizes
        faults
    ]
