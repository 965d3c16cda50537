module NtmLab.Tests.Models.TokenModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Scratch
open NtmLab.Tests.Training
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training
open TorchSharp

/// Seven tokens come in, six go out.
let private task = CopyMemoryTask(Alphabet = 5, Symbols = 2, MinLag = 1, MaxLag = 3)

let private tokens = 7

let private build (options: ModelOptions) : SequenceModel =
    let model = options.Build(task, RandomStream(1UL, "model"))
    Samples.stir 2UL model
    model

/// The model that is given vectors.
let private inner (model: SequenceModel) : SequenceModel =
    Seq.exactlyOne [ for struct (_, child) in model.named_children () -> child :?> SequenceModel ]

let private drawn (seed: uint64) (batch: int) (time: int) : int[] =
    let random = RandomStream(seed, "tokens")
    Array.init (batch * time) (fun _ -> random.Next tokens)

/// Drawn tokens as input, `[batch, time, 1]`.
let private input (seed: uint64) (batch: int) (time: int) : torch.Tensor =
    torch.tensor (Array.map float32 (drawn seed batch time), int64 batch, int64 time, 1L)

/// Vectors in place of drawn tokens, `[batch, time, width]`, by a plain loop.
let private vectors (vector: int -> float[]) (seed: uint64) (batch: int) (time: int) : torch.Tensor =
    let values = drawn seed batch time |> Array.collect (vector >> Array.map float32)
    torch.tensor(values).view(int64 batch, int64 time, -1L)

let private oneHot (token: int) : float[] =
    Array.init tokens (fun place -> if place = token then 1.0 else 0.0)

let private samples: (string * ModelOptions) list = [
    "an NTM", NtmOptions(Controller = Samples.lstm 4 1, Slots = 5, Width = 3)
    "an NTM with an embedding", NtmOptions(Controller = Samples.lstm 4 1, Slots = 5, Width = 3, Embedding = 3)
    "an LSTM", LstmOptions(Units = 4)
    "an LSTM with an embedding", LstmOptions(Units = 4, Embedding = 3)
]

let private withModel (options: ModelOptions) (law: SequenceModel -> unit) () : unit =
    use scope = torch.NewDisposeScope()
    use model = build options
    law model

/// Logits, and the gradient of every parameter by name, in single precision.
let private results (model: SequenceModel) (input: torch.Tensor) : (string * torch.Tensor) list =
    model.zero_grad ()
    let logits = model.Forward input
    (GradientCheck.scalar logits).backward()

    ("logits", logits)
    :: [
        for name, parameter in GradientCheck.parameters model -> name, (Tensors.gradient parameter).clone()
    ]

let private laws (options: ModelOptions) = [
    testCase "gives at once what it gives step by step, and in two halves"
    <| withModel options (fun model ->
        use noGradient = torch.no_grad ()
        let x = input 3UL 4 6
        let whole = model.Forward x
        let mutable state = model.InitialState 4L

        for t in 0L .. 5L do
            let struct (logits, next) = model.Step(x.select (1L, t), state)
            state <- next
            Expect.isLessThan (Tensors.distance logits (whole.select (1L, t))) 1e-5 $"step {t}"

        let struct (first, state) = model.Run(x.narrow (1L, 0L, 2L), model.InitialState 4L)
        let struct (second, _) = model.Run(x.narrow (1L, 2L, 4L), state)
        Expect.isLessThan (Tensors.distance (torch.cat ([| first; second |], 1L)) whole) 1e-5 "halves")

    testCase "gives the reference engine's logits and every gradient when fused"
    <| withModel options (fun model ->
        let x = input 5UL 3 7
        let reference = results model x
        Expect.isTrue model.CanFuse "the fused engine knows it"
        model.Fuse 1
        Expect.isTrue model.IsFused "and computes it"

        for (name, expected), (_, got) in List.zip reference (results model x) do
            let size = (expected.abs().max().ToDouble())
            Expect.isLessThan (Tensors.distance got expected) (1e-4 * (1.0 + size)) name

        model.StopFusing()
        Expect.isFalse model.IsFused "until it stops")

    testCase "refuses what is no token, with the token and those that are known"
    <| withModel options (fun model ->
        for token in [ -1; tokens; 1000 ] do
            let x = input 6UL 2 3
            x.select(1L, 1L).fill_(token.ToScalar()) |> ignore
            let words = [ "model 'token'"; $"token {token}"; "0 to 6" ]
            Faults.says<ShapeException> words (fun () -> model.Forward x |> ignore)

            Faults.says<ShapeException> words (fun () ->
                model.Step(x.select (1L, 1L), model.InitialState 2L) |> ignore))

    testCase "refuses inputs of another shape"
    <| withModel options (fun model ->
        for shape in [ [ 2L; 3L; 7L ]; [ 2L; 3L ] ] do
            Faults.says<ShapeException> [ "model 'token'"; "[any, any, 1]" ] (fun () ->
                model.Forward(torch.zeros (List.toArray shape)) |> ignore)

        Faults.says<ShapeException> [ "model 'token'"; "no time steps" ] (fun () ->
            model.Forward(torch.zeros (2L, 0L, 1L)) |> ignore)

        Faults.says<ShapeException> [ "model 'token'"; "[any, 1]" ] (fun () ->
            model.Step(torch.zeros (2L, 7L), model.InitialState 2L) |> ignore))

    testCase "costs what the model inside costs"
    <| withModel options (fun model ->
        let inside = inner model
        Expect.equal model.StateSize inside.StateSize "state"
        Expect.equal model.MultiplyAddsPerStep inside.MultiplyAddsPerStep "a lookup multiplies nothing"
        let lookup = if options.Embedding = 0 then 0L else 1L
        Expect.equal (model.PathLength 5L) (inside.PathLength 5L + lookup) "one layer more with an embedding")

    test "comes back from a checkpoint, and a resumed training gives the bits of an uninterrupted one" {
        use folder = new Folder()

        let start (seed: uint64) =
            let model = options.Build(task, RandomStream(seed, "model"))
            let evaluation = EvaluationOptions(Lengths = [| 2 |], Sequences = 4, SequencesWhileTraining = 3)
            new Trainer(model, task, TrainingSetup.options, evaluation, 3UL, StoppedClock())

        use whole = start 3UL
        train whole |> ignore
        use first = start 3UL
        trainBatches 2 first |> ignore
        Checkpoint.Save(folder.File "a.ckpt", first, "run")
        // Parameters from elsewhere, so that nothing is right by chance.
        use second = start 4UL
        Checkpoint.Restore(folder.File "a.ckpt", second)
        train second |> ignore
        Expect.equal (snapshot second) (snapshot whole) "parameters, optimiser and state"
    }
]

let private vectorsOfTokens =
    testList "vectors" [
        for name, options in [ "an NTM", snd samples[0]; "an LSTM", snd samples[2] ] do
            testCase $"{name} is given a 1 in the token's own place"
            <| withModel options (fun model ->
                let expected = (inner model).Forward(vectors oneHot 7UL 3 5)

                Expect.equal
                    (Tensors.bits (model.Forward(input 7UL 3 5)))
                    (Tensors.bits expected)
                    "to the bit")

        for name, options in [ "an NTM", snd samples[1]; "an LSTM", snd samples[3] ] do
            testCase $"{name} is given the token's row of the embedding"
            <| withModel options (fun model ->
                let embedding = Tensors.parameter model "embedding"
                Expect.equal embedding.shape [| int64 tokens; 3L |] "a row a token"
                let rows = Tensors.values embedding |> Array.chunkBySize 3
                let expected = (inner model).Forward(vectors (fun token -> rows[token]) 8UL 3 5)

                Expect.equal
                    (Tensors.bits (model.Forward(input 8UL 3 5)))
                    (Tensors.bits expected)
                    "to the bit")

        for name, options in [ "an NTM", snd samples[1]; "an LSTM", snd samples[3] ] do
            testCase $"the embedding before {name} has the gradient of finite differences"
            <| withModel options (fun model ->
                model.``to`` torch.float64 |> ignore
                let x = input 4UL 2 3
                let embedding = "embedding", Tensors.parameter model "embedding"
                GradientCheck.checkAll [ embedding ] (fun () -> model.Forward x))

        test "rows of tokens that did not come have no gradient" {
            use model = build (LstmOptions(Units = 4, Embedding = 3))
            let x = torch.tensor ([| 1.0f; 4.0f; 1.0f |], 1L, 3L, 1L)
            (GradientCheck.scalar (model.Forward x)).backward()

            let moved = [
                for row in
                    Tensors.values (Tensors.gradient (Tensors.parameter model "embedding"))
                    |> Array.chunkBySize 3 -> Array.exists ((<>) 0.0) row
            ]

            Expect.equal moved [ for token in 0..6 -> token = 1 || token = 4 ] "only those that came"
        }
    ]

let private options =
    testList "options" [
        test "an embedding is refused on a task of vectors" {
            Faults.says<ConfigurationException> [ "model.embedding"; "8"; "vectors"; "0 is" ] (fun () ->
                LstmOptions(Embedding = 8).Build(CopyTask(), RandomStream(1UL, "model"))
                |> ignore)
        }

        test "an embedding of a negative width is refused" {
            Faults.says<ConfigurationException> [ "model.embedding"; "-1"; "0 or more" ] (fun () ->
                LstmOptions(Embedding = -1).Build(task, RandomStream(1UL, "model")) |> ignore)
        }

        test "a task of vectors gets the model itself" {
            use model = LstmOptions(Units = 3).Build(CopyTask(), RandomStream(1UL, "model"))
            Expect.isFalse (model :? TokenModel) "nothing to look up"
            use other = LstmOptions(Units = 3).Build(task, RandomStream(1UL, "model"))
            Expect.isTrue (other :? TokenModel) "tokens have to be"
        }
    ]

let tests =
    testList "TokenModel" [
        for name, options in samples do
            testList name (laws options)
        vectorsOfTokens
        options
    ]
