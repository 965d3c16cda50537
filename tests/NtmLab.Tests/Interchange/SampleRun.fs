/// Runs as they lie on disk, without a training: a record, weights and numbers.
module NtmLab.Tests.Interchange.SampleRun

open System
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training
open TorchSharp

/// The task of all of them: four features come in, three go out.
let task = CopyTask(Bits = 3, MaxLength = 3)

/// When all of them began.
let started = DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)

let machine = MachineRecord("Linux", "2 x X64", ".NET 10", "2.10", 1)

/// A linear schedule, so that learning rates differ.
let training =
    TrainingOptions(
        Sequences = 1000L,
        Optimiser = RmsPropOptions(LearningRate = 0.5),
        Schedule = LinearSchedule()
    )

/// A model with every parameter away from what it starts as.
let model (seed: uint64) (options: ModelOptions) : SequenceModel =
    let model = options.Build(task, RandomStream(seed, "model"))
    Samples.stir seed model
    model

/// A model's tensors by name.
let tensors (model: SequenceModel) : struct (string * torch.Tensor) list = [
    for pair in model.state_dict () -> struct (pair.Key, pair.Value)
]

let private record (options: ModelOptions) (scores: LengthScore list) (id: string) : RunRecord =
    let configuration =
        ExperimentConfiguration(Name = "copy", Task = task, Model = options, Training = training)

    RunRecord(
        Id = id,
        Status = RunStatus.Finished,
        Name = "copy",
        Task = "copy",
        ScoreName = "wrong bits",
        Model = Catalog.NameOf(options.GetType()),
        Parameters = 1L,
        Seed = 1UL,
        Engine = "reference",
        Started = started,
        Updated = started,
        CodeVersion = "0",
        Machine = machine,
        Script = "copy.fsx",
        Sequences = 40L,
        Seconds = 12.0,
        Evaluation = List.toArray scores,
        Configuration = ConfigurationJson.Write configuration
    )

/// A finished run of a model, without metrics; gives its folder.
let withWeights (runs: string) (options: ModelOptions) (last: SequenceModel) : string =
    use run = RunFolder.Create(runs, "copy", 1UL, "// a script\n", record options [], StoppedClock())
    Checkpoint.SaveModel(run.LastCheckpoint, tensors last, run.Record.Id)
    run.Directory

/// A finished run with numbers and without weights; gives its folder.
let withNumbers
    (runs: string)
    (batches: BatchReport seq)
    (evaluations: EvaluationRow list)
    (final: LengthScore list)
    : string =
    use run =
        RunFolder.Create(runs, "copy", 1UL, "// a script\n", record (NtmOptions()) final, StoppedClock())

    use metrics = new MetricsLog<BatchReport>(run.MetricsFile, StoppedClock())
    Seq.iter metrics.Append batches
    use log = new MetricsLog<EvaluationRow>(run.EvaluationsFile, StoppedClock())
    List.iter log.Append evaluations
    run.Directory

/// The number of a batch as a report whose every value is another one.
let batch (n: int64) : BatchReport =
    BatchReport(n, 4L * n, int n % 7, 1.0 / float n, 0.1 * float n, Math.PI * float n, 0.25 * float n)
