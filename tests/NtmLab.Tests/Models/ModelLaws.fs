/// What holds of every model, whatever its kind.
module NtmLab.Tests.Models.ModelLaws

open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Configuration
open NtmLab.Tests.Samples
open NtmLab.Tests.Scratch
open NtmLab.Tests.Training
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training
open TorchSharp

/// In double precision, where rounding cannot hide a mistake.
let private tolerance = 1e-10

let private build (seed: uint64) (options: ModelOptions) : SequenceModel =
    options.Build(inputWidth, outputWidth, RandomStream(seed, "model"))

/// A model whose parameters are all away from zero, in double precision.
let private stirred (options: ModelOptions) : SequenceModel =
    let model = build 1UL options
    stir 2UL model
    model.``to`` torch.float64 |> ignore
    model

let private sequences (seed: uint64) (batch: int) (time: int) : torch.Tensor =
    Tensors.uniform (RandomStream(seed, "input")) -1.0 1.0 [ batch; time; inputWidth ]

let private forward (model: SequenceModel) (input: torch.Tensor) : torch.Tensor =
    use noGradient = torch.no_grad ()
    model.Forward input

/// One step after the other, from a given state.
let private stepping (model: SequenceModel) (input: torch.Tensor) (state: ModelState) =
    use noGradient = torch.no_grad ()
    let mutable state = state

    let logits = [|
        for step in input.unbind 1L do
            let struct (logits, next) = model.Step(step, state)
            state <- next
            logits
    |]

    struct (torch.stack (logits, 1L), state)

let private shapes (state: ModelState) = [ for tensor in state.Tensors -> tensor.shape ]

let private withModel (options: ModelOptions) (law: SequenceModel -> unit) () : unit =
    use scope = torch.NewDisposeScope()
    use model = stirred options
    law model

let private agree (a: torch.Tensor) (b: torch.Tensor) (what: string) : unit =
    Expect.isLessThan (Tensors.distance a b) tolerance what

let private numbers (options: ModelOptions) = [
    testCase "gives the same numbers at once and step by step, for any number of steps"
    <| withModel options (fun model ->
        for time in [ 1; 2; 3; 6; 13 ] do
            let x = sequences 1UL 3 time
            let struct (steps, _) = stepping model x (model.InitialState 3L)
            agree (forward model x) steps $"{time} steps")

    testCase "gives the same numbers when a sequence is cut, and ends in the same state"
    <| withModel options (fun model ->
        use noGradient = torch.no_grad ()
        let x = sequences 2UL 2 9
        let struct (whole, last) = model.Run(x, model.InitialState 2L)
        agree whole (forward model x) "from the first state"

        for cut in [ 1L; 4L; 8L ] do
            let struct (first, state) = model.Run(x.narrow (1L, 0L, cut), model.InitialState 2L)
            let struct (second, final) = model.Run(x.narrow (1L, cut, 9L - cut), state)
            agree (torch.cat ([| first; second |], 1L)) whole $"cut after {cut}"

            for a, b in Seq.zip final.Tensors last.Tensors do
                agree a b $"final state, cut after {cut}")

    testCase "gives a sequence the same outputs whatever its neighbours in the batch"
    <| withModel options (fun model ->
        let x = sequences 3UL 4 7
        let together = forward model x

        for sequence in 0L .. 3L do
            agree
                (forward model (x.narrow (0L, sequence, 1L)))
                (together.narrow (0L, sequence, 1L))
                $"sequence {sequence}")

    testCase "gives outputs that no later input changes"
    <| withModel options (fun model ->
        let x = sequences 4UL 2 11
        let before = forward model x

        for changed in 1L .. 10L do
            let other = x.clone ()
            other.narrow (1L, changed, 1L) |> Tensors.addNumber 1.0
            let past (logits: torch.Tensor) = logits.narrow (1L, 0L, changed)
            agree (past (forward model other)) (past before) $"outputs before step {changed}")

    testCase "gives outputs that an earlier input changes"
    <| withModel options (fun model ->
        let x = sequences 5UL 1 6
        let other = x.clone ()
        other.narrow (1L, 0L, 1L) |> Tensors.addNumber 1.0
        let last (logits: torch.Tensor) = logits.narrow (1L, 5L, 1L)
        let difference = Tensors.distance (last (forward model x)) (last (forward model other))
        Expect.isGreaterThan difference 1e-7 "the last output depends on the first input")

    testCase "gives the same numbers in single precision, up to rounding"
    <| withModel options (fun model ->
        let x = sequences 6UL 2 5
        let double = forward model x
        model.``to`` torch.float32 |> ignore
        Expect.isLessThan (Tensors.distance (forward model (x.``to`` torch.float32)) double) 1e-3 "rounding")
]

let private state (options: ModelOptions) = [
    testCase "carries as many values as it reports"
    <| withModel options (fun model ->
        let carried = model.InitialState(1L).Tensors |> Seq.sumBy _.numel()
        Expect.equal carried model.StateSize "for one sequence")

    testCase "carries state of the same shapes from step to step, or says that it grows"
    <| withModel options (fun model ->
        let start = model.InitialState 2L
        let struct (_, next) = stepping model (sequences 7UL 2 8) start

        if model.StateGrows then
            Expect.notEqual (shapes next) (shapes start) "memory that grows"
        else
            Expect.equal (shapes next) (shapes start) "constant memory")

    testCase "goes on from a state that was kept elsewhere"
    <| withModel options (fun model ->
        use noGradient = torch.no_grad ()
        let x = sequences 10UL 2 6
        let struct (_, state) = stepping model (x.narrow (1L, 0L, 3L)) (model.InitialState 2L)
        let kept = (model.InitialState 2L).With [| for tensor in state.Tensors -> tensor.clone () |]
        let rest = x.narrow (1L, 3L, 3L)
        let struct (expected, _) = stepping model rest state
        let struct (got, _) = stepping model rest kept
        agree got expected "the same outputs")

    testCase "reports a cost, and a path that is no shorter for a longer lag"
    <| withModel options (fun model ->
        Expect.isGreaterThan model.MultiplyAddsPerStep 0L "multiply-adds"
        Expect.equal (model.MultiplyAdds 0L) 0L "nothing for no steps"
        Expect.isGreaterThan (model.MultiplyAdds 7L) (model.MultiplyAdds 6L) "a step costs something"
        let paths = [ for lag in [ 0L; 1L; 5L ] -> model.PathLength lag ]
        Expect.equal paths (List.sort paths) "path lengths"
        Expect.isGreaterThan paths.Head 0L "something lies between input and output")
]

let private parameters (options: ModelOptions) = [
    test "starts from the same bits for the same seed, and elsewhere for another" {
        let bits seed = [ for parameter in (build seed options).parameters() -> Tensors.bits parameter ]

        Expect.equal (bits 7UL) (bits 7UL) "nothing but the seed decides"
        Expect.notEqual (bits 7UL) (bits 8UL) "seeds differ"
    }

    testCase "trains every parameter"
    <| withModel options (fun model ->
        (GradientCheck.scalar (model.Forward(sequences 8UL 2 6))).backward()

        for name, parameter in GradientCheck.parameters model do
            let gradient = Tensors.gradient parameter
            Expect.isGreaterThan (gradient.abs().sum().ToDouble()) 0.0 name)

    testCase "has the gradients of finite differences, in every parameter and the input"
    <| withModel options (fun model ->
        let x = sequences 9UL 2 4

        GradientCheck.checkAll (("input", x) :: GradientCheck.parameters model) (fun () -> model.Forward x))

    test "comes back from a checkpoint, and a resumed training gives the bits of an uninterrupted one" {
        use folder = new Folder()

        let start seed =
            new Trainer(buildModel options seed, task, TrainingSetup.options, evaluation, 3UL, StoppedClock())

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

    test "has a configuration that comes back from its JSON" {
        let configuration = ExperimentConfiguration(Name = "sample", Task = CopyTask(), Model = options)

        let back = ConfigurationJson.Read(ConfigurationJson.Write configuration, GeneratedConfiguration.plain)

        Expect.equal back configuration "every option"
    }
]

let private faults (options: ModelOptions) = [
    testCase "refuses inputs of another width, without time steps or without a batch"
    <| withModel options (fun model ->
        let name = $"model '{model.GetName()}'"

        let refused (words: string list) (shape: int64 list) =
            Faults.says<ShapeException> (name :: words) (fun () ->
                model.Forward(torch.zeros (List.toArray shape, torch.float64)) |> ignore)

        refused [ "[2, 3, 4]"; "[any, any, 3]" ] [ 2L; 3L; 4L ]
        refused [ "no time steps"; "1 or more" ] [ 2L; 0L; 3L ]
        refused [ "[5, 3]" ] [ 5L; 3L ]

        Faults.says<ShapeException> [ name; "[2, 4]"; "[any, 3]" ] (fun () ->
            model.Step(torch.zeros (2L, 4L, torch.float64), model.InitialState 2L) |> ignore))
]

/// All laws, of a model of these sizes.
let tests (name: string) (options: ModelOptions) : Test =
    testList name [
        yield! numbers options
        yield! state options
        yield! parameters options
        yield! faults options
    ]

/// Requires that a model learns to copy up to three vectors of two bits within a budget of sequences.
let learns (options: ModelOptions) (sequences: int64) (optimiser: OptimiserOptions) : Test =
    test "learns to copy" {
        let task = CopyTask(Bits = 2, MinLength = 1, MaxLength = 3)

        let training =
            TrainingOptions(
                Sequences = sequences,
                Batch = 16,
                Optimiser = optimiser,
                EvaluateEvery = sequences,
                CheckpointEvery = sequences,
                Solved = SolvedOptions(Score = 0.1, Window = 320)
            )

        use scope = torch.NewDisposeScope()
        let model = options.Build(task.InputWidth(), task.OutputWidth(), RandomStream(1UL, "model"))

        if model.CanFuse then
            model.Fuse 1

        use trainer = new Trainer(model, task, training, evaluation, 1UL, StoppedClock())
        train trainer |> ignore
        let window = trainer.State.Window |> Seq.averageBy float

        Expect.isLessThanOrEqual
            window
            training.Solved.Score
            $"wrong bits after {trainer.State.Sequences} sequences"
    }
