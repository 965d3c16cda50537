module NtmLab.Tests.FSharp.StudyTests

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Training
open NtmLab.Training

/// An experiment of eight batches.
let private units (count: int) : ExperimentConfiguration = experiment $"units-{count}" {
    task (CopyTask(Bits = 2, MaxLength = 2))
    model (RnnOptions(Units = count))
    training (TrainingOptions(Sequences = 64L, Batch = 8))
    evaluation (EvaluationOptions(Lengths = [| 2 |], Sequences = 4))
}

/// Runs a study on a folder of runs, as a host of scripts does; what it prints is dropped.
let private study (folder: Scratch.Folder) (experiments: ExperimentConfiguration list) : RunRecord list =
    let script = folder.File "script.fsx"
    File.WriteAllText(script, "// a study\n")
    let output, errors = Console.Out, Console.Error

    Session.start {
        Script = script
        Overrides = []
        Runs = folder.File "runs"
        Resume = None
        Work = Session.everything
        Evaluate = None
        Budget = StudyBudget.Quick
        Archive = None
        Report = None
        Json = true
        Verbose = false
        Hosted = true
    }

    try
        Console.SetOut TextWriter.Null
        Console.SetError TextWriter.Null
        Study.run experiments
    finally
        Console.SetOut output
        Console.SetError errors

let private ids (records: RunRecord list) : string list = [ for record in records -> record.Id ]

/// The folders of all runs, by name.
let private folders (folder: Scratch.Folder) : string list =
    Directory.GetDirectories(folder.File "runs")
    |> Array.sort
    |> Array.map (fun path -> string (Path.GetFileName path))
    |> List.ofArray

/// Batches that were trained, with losses and scores, as a run's metrics say.
let private trained (folder: Scratch.Folder) (id: string) =
    let metrics = Path.Combine(folder.File "runs", id, "metrics.jsonl")
    [ for row in MetricsRows.Read<BatchReport> metrics -> row.Batch, row.Loss, row.Score ]

/// A run of an experiment that was trained for some batches and has a status; it is held until it is disposed.
let private begun
    (folder: Scratch.Folder)
    (configuration: ExperimentConfiguration)
    (batches: int)
    (status: RunStatus)
    : RunFolder =
    use model = configuration.Model.Build(configuration.Task, RandomStream(configuration.Seed, "model"))
    model.Fuse 1

    use trainer =
        new Trainer(
            model,
            configuration.Task,
            configuration.Training,
            configuration.Evaluation,
            configuration.Seed,
            TrainingSetup.StoppedClock()
        )

    let record (id: string) =
        RunRecord(
            Id = id,
            Status = status,
            Name = configuration.Name,
            Task = "copy",
            ScoreName = configuration.Task.ScoreName(),
            Model = "rnn",
            Parameters = model.ParameterCount,
            Seed = configuration.Seed,
            Engine = "fused",
            Started = DateTimeOffset.UnixEpoch,
            Updated = DateTimeOffset.UnixEpoch,
            CodeVersion = "0",
            Machine = MachineRecord("Linux", "2 x X64", ".NET 10", "2.10", 1),
            Script = "script.fsx",
            Configuration = ConfigurationJson.Write configuration
        )

    let run =
        RunFolder.Create(
            folder.File "runs",
            configuration.Name,
            configuration.Seed,
            "// a study\n",
            record,
            TrainingSetup.StoppedClock()
        )

    TrainingSetup.trainBatches batches trainer |> ignore
    Checkpoint.Save(run.LastCheckpoint, trainer, run.Record.Id)
    run

let private once =
    testList "once" [
        test "each configuration is run once, whatever was run before and however often it is named" {
            use folder = new Scratch.Folder()
            let first = study folder [ units 3 ]
            let metrics = trained folder "units-3-seed1-001"
            let records = study folder [ units 4; units 3; units 4 ]

            Expect.equal
                (ids records)
                [ "units-4-seed1-001"; "units-3-seed1-001"; "units-4-seed1-001" ]
                "in the order of the experiments"

            Expect.equal (folders folder) [ "units-3-seed1-001"; "units-4-seed1-001" ] "two runs"
            Expect.equal records[1].Updated first[0].Updated "the first was left alone"
            Expect.equal (trained folder "units-3-seed1-001") metrics "with what it trained"
            Expect.equal [ for batch, _, _ in metrics -> batch ] [ 1L .. 8L ] "all of its batches"

            Expect.all
                records
                (fun record -> record.Status = RunStatus.Finished && record.Evaluation.Count = 1)
                "all came to their end"
        }

        test "another configuration of the same name is another run" {
            use folder = new Scratch.Folder()
            study folder [ units 3 ] |> ignore
            let other = (units 3).With(EvaluationOptions(Lengths = [| 3 |], Sequences = 4))
            Expect.equal (ids (study folder [ other ])) [ "units-3-seed1-002" ] "scored at another length"
        }

        test "a run that failed is not made again" {
            use folder = new Scratch.Folder()

            do
                use run = begun folder (units 3) 2 RunStatus.Running
                run.Update _.WithFault("It broke.")

            let record = study folder [ units 3 ] |> List.exactlyOne
            Expect.equal (record.Status, record.Fault) (RunStatus.Failed, "It broke.") "it is told as it is"
            Expect.equal (folders folder) [ "units-3-seed1-001" ] "and nothing else"
        }
    ]

let private goingOn =
    testList "going on" [
        for name, status in [ "was stopped", RunStatus.Interrupted; "lost its process", RunStatus.Running ] do
            test $"a run that {name} is gone on with where it was" {
                use folder = new Scratch.Folder()
                use whole = new Scratch.Folder()
                (begun folder (units 3) 3 status).Dispose()
                let record = study folder [ units 3 ] |> List.exactlyOne
                study whole [ units 3 ] |> ignore
                Expect.equal (folders folder) [ "units-3-seed1-001" ] "no other run"
                Expect.equal (record.Status, record.Sequences) (RunStatus.Finished, 64L) "it came to its end"

                Expect.equal
                    (trained folder record.Id)
                    (trained whole record.Id |> List.skip 3)
                    "the batches that were missing, as an uninterrupted run trains them"
            }

        test "what another process is at is waited for, after all else was made" {
            use folder = new Scratch.Folder()
            let run = begun folder (units 3) 3 RunStatus.Running

            /// Ends the run once that of the other experiment is finished; tells whether that ever was.
            let other =
                Task.Run(fun () ->
                    let isMade () =
                        RunFolder.List(folder.File "runs")
                        |> Seq.exists (fun struct (_, record) ->
                            record.Name = "units-4" && record.Status = RunStatus.Finished)

                    let made = SpinWait.SpinUntil(isMade, TimeSpan.FromSeconds 60.0)
                    run.Update _.WithStatus(RunStatus.Finished)
                    run.Dispose()
                    made)

            let records = study folder [ units 3; units 4 ]
            Expect.isTrue other.Result "the second was made while the first was held"
            Expect.equal (ids records) [ "units-3-seed1-001"; "units-4-seed1-001" ] "in their order"
            Expect.isEmpty (trained folder "units-3-seed1-001") "the first was left to the other"
        }
    ]

let tests = testList "Study" [ once; goingOn ]
