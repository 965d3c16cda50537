/// Small trainings whose every number can be compared.
module NtmLab.Tests.Training.TrainingSetup

open System
open System.Collections.Generic
open System.Threading
open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Training

/// A clock that stands still, so that seconds are the same in every training.
type StoppedClock() =
    inherit TimeProvider()
    override _.GetTimestamp() : int64 = 0L
    override _.GetUtcNow() : DateTimeOffset = DateTimeOffset.UnixEpoch

let task = CopyTask(Bits = 3, MinLength = 1, MaxLength = 3)

let modelOptions = NtmOptions(Controller = Samples.lstm 6 1, Slots = 5, Width = 4)

/// Six batches of four, with evaluations after the second, fourth and sixth.
let options =
    TrainingOptions(
        Sequences = 24L,
        Batch = 4,
        Optimiser = RmsPropOptions(LearningRate = 1e-2),
        EvaluateEvery = 8L,
        CheckpointEvery = 12L,
        Solved = SolvedOptions(Score = -1.0, Window = 10)
    )

let evaluation = EvaluationOptions(Lengths = [| 2; 4 |], Sequences = 4, SequencesWhileTraining = 3)

let buildModel (options: ModelOptions) (seed: uint64) : SequenceModel =
    options.Build(task.InputWidth(), task.OutputWidth(), RandomStream(seed, "model"))

/// The sample training with another curriculum.
let withCurriculum (curriculum: Curriculum) : TrainingOptions =
    TrainingOptions(
        Sequences = options.Sequences,
        Batch = options.Batch,
        Curriculum = curriculum,
        Optimiser = options.Optimiser,
        EvaluateEvery = options.EvaluateEvery,
        CheckpointEvery = options.CheckpointEvery,
        Solved = options.Solved
    )

/// A trainer of the sample model; parameters and batches come from the same seed.
let trainer (options: TrainingOptions) (seed: uint64) : Trainer =
    new Trainer(buildModel modelOptions seed, task, options, evaluation, seed, StoppedClock())

/// Keeps what a trainer reports, in order; may act after each batch.
type Recorder(afterBatch: BatchReport -> unit) =
    let events = List<string>()
    new() = Recorder(ignore)

    /// Everything that was reported, as text.
    member _.Events: string list = List.ofSeq events

    /// The sequences at which events of a kind came: `trained`, `evaluated` or `checkpoint`.
    member _.At(kind: string) : int64 list = [
        for event in events do
            let words = event.Split ' '

            if words[0] = kind then
                int64 words[1]
    ]

    interface ITrainingObserver with
        member _.Trained report =
            events.Add $"trained {report.Sequences} {report}"
            afterBatch report

        member _.Evaluated(state, scores, best) =
            let scores = String.Join(" ", scores)
            events.Add $"evaluated {state.Sequences} {scores} {best}"

        member _.CheckpointDue state = events.Add $"checkpoint {state.Sequences}"

/// Trains to the end.
let train (trainer: Trainer) : Recorder =
    let recorder = Recorder()
    trainer.Train(recorder, CancellationToken.None)
    recorder

/// Trains a number of batches, then asks to stop.
let trainBatches (count: int) (trainer: Trainer) : Recorder =
    use source = new CancellationTokenSource()
    let last = trainer.State.Batches + int64 count

    let stop (report: BatchReport) =
        if report.Batch >= last then
            source.Cancel()

    if count = 0 then
        source.Cancel()

    let recorder = Recorder stop
    trainer.Train(recorder, source.Token)
    recorder

/// Everything that a trainer holds, to the bit.
type Snapshot = {
    Parameters: (string * byte[]) list
    Optimiser: (string * byte[]) list
    Batches: int64
    Sequences: int64
    Seconds: float
    Window: float32 list
    SolvedAtSequences: int64 option
    SolvedAtSeconds: float option
    BestScore: float option
    Curriculum: CurriculumState option
}

let snapshot (trainer: Trainer) : Snapshot =
    let state = trainer.State

    {
        Parameters = [
            for struct (name, parameter) in trainer.Model.named_parameters () -> name, Tensors.bits parameter
        ]
        Optimiser = [ for struct (name, value) in trainer.OptimiserState -> name, Tensors.bits value ]
        Batches = state.Batches
        Sequences = state.Sequences
        Seconds = state.Seconds
        Window = List.ofSeq state.Window
        SolvedAtSequences = Option.ofNullable state.SolvedAtSequences
        SolvedAtSeconds = Option.ofNullable state.SolvedAtSeconds
        BestScore = Option.ofNullable state.BestScore
        Curriculum = Option.ofObj state.Curriculum
    }
