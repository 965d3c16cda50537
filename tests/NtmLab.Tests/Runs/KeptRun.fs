/// Runs in folders, without a training, whose every number can be told.
module NtmLab.Tests.Runs.KeptRun

open System
open NtmLab.Configuration
open NtmLab.Runs
open NtmLab.Tests.Configuration
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training

/// When a run of a number began.
let startedAt (number: int) : DateTimeOffset = DateTimeOffset.UnixEpoch.AddDays(float number)

/// The first record of a run of a number.
let record (number: int) (id: string) : RunRecord =
    RunRecord(
        Id = id,
        Status = RunStatus.Running,
        Name = "copy",
        Task = "copy",
        ScoreName = "wrong bits",
        Model = "ntm",
        Parameters = 62_480L,
        Seed = uint64 number,
        Engine = "reference",
        Started = startedAt number,
        Updated = startedAt number,
        CodeVersion = "0",
        Machine = MachineRecord("Linux", "2 x X64", ".NET 10", "2.10", 1),
        Script = "copy.fsx",
        Configuration = ConfigurationJson.Write GeneratedConfiguration.plain
    )

/// The script of all of them.
let script: string = "// a script, with ’signs’\n"

/// Makes the run of a number.
let create (runs: string) (number: int) : RunFolder =
    RunFolder.Create(runs, "copy", uint64 number, script, record number, StoppedClock())

/// A row of metrics whose values are told by its batch and the sitting that it was written in.
let row (sitting: float) (batch: int) : BatchReport =
    BatchReport(
        int64 batch,
        4L * int64 batch,
        batch % 7,
        1.0 / float batch,
        Math.Sqrt(float batch),
        Math.PI * float batch,
        sitting + 0.1 * float batch
    )

/// Adds rows to a run's metrics.
let append (run: RunFolder) (rows: BatchReport seq) : unit =
    use log = new MetricsLog<BatchReport>(run.MetricsFile, StoppedClock())
    Seq.iter log.Append rows

/// An evaluation after so many sequences, at two lengths.
let evaluation (sequences: int64) : EvaluationRow =
    EvaluationRow(
        sequences,
        [| LengthScore(5, 1.0 / float sequences, 0.25); LengthScore(10, 0.5, 0.0, Nullable 3.5) |]
    )

/// Adds evaluations to a run.
let evaluate (run: RunFolder) (rows: EvaluationRow seq) : unit =
    use log = new MetricsLog<EvaluationRow>(run.EvaluationsFile, StoppedClock())
    Seq.iter log.Append rows

/// A run of a number with so many rows of metrics and two evaluations; gives its folder.
let whole (runs: string) (number: int) (rows: int) : string =
    use run = create runs number
    append run (Seq.init rows (fun index -> row 0.0 (index + 1)))
    evaluate run [ evaluation 8L; evaluation 16L ]
    run.Directory
