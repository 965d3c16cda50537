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

let private sessionIn (folder: Scratch.Folder) : Session = {
    Session.ofProgram with
        Script = folder.File "script.fsx"
        Runs = folder.File "runs"
        Json = true
}

/// Does something in a session, as a host of scripts does; what it prints is dropped.
let private within (session: Session) (work: unit -> 'T) : 'T =
    File.WriteAllText(session.Script, "// a study\n")
    let output, errors = Console.Out, Console.Error
    Session.start session

    try
        Console.SetOut TextWriter.Null
        Console.SetError TextWriter.Null
        work ()
    finally
        Console.SetOut output
        Console.SetError errors

/// Runs a study on a folder of runs.
let private study (folder: Scratch.Folder) (experiments: ExperimentConfiguration list) : RunRecord list =
    within (sessionIn folder) (fun () -> Study.run experiments)

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

/// Does something once the run of four units is finished; tells whether that ever was.
let private afterTheOther (folder: Scratch.Folder) (action: unit -> unit) : Task<bool> =
    Task.Run(fun () ->
        let isMade () =
            RunFolder.List(folder.File "runs")
            |> Seq.exists (fun struct (_, record) ->
                record.Name = "units-4" && record.Status = RunStatus.Finished)

        let made = SpinWait.SpinUntil(isMade, TimeSpan.FromSeconds 60.0)
        action ()
        made)

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

            let other =
                afterTheOther folder (fun () ->
                    run.Update _.WithStatus(RunStatus.Finished)
                    run.Dispose())

            let records = study folder [ units 3; units 4 ]
            Expect.isTrue other.Result "the second was made while the first was held"
            Expect.equal (ids records) [ "units-3-seed1-001"; "units-4-seed1-001" ] "in their order"
            Expect.isEmpty (trained folder "units-3-seed1-001") "the first was left to the other"
        }

        test "what another process is about to begin is left to it" {
            use folder = new Scratch.Folder()
            let hold = Hold.take (folder.File "runs/units-3-seed1.hold")

            let other =
                afterTheOther folder (fun () ->
                    using
                        (begun folder (units 3) 3 RunStatus.Running)
                        _.Update(_.WithStatus(RunStatus.Finished))

                    Option.iter (fun (hold: IDisposable) -> hold.Dispose()) hold)

            let records = study folder [ units 3; units 4 ]
            Expect.isTrue other.Result "the second was made while the first was held"
            Expect.equal (ids records) [ "units-3-seed1-001"; "units-4-seed1-001" ] "one run each"
            Expect.isEmpty (trained folder "units-3-seed1-001") "the first was left to the other"
        }
    ]

/// A session that trains and measures nothing.
let private gathering (session: Session) : Session = { session with Work = Gather }

let private steps =
    testList "steps" [
        test "a step makes what is missing, and tells where every run lies" {
            use folder = new Scratch.Folder()
            study folder [ units 3 ] |> ignore

            let made = within (sessionIn folder) (fun () -> Study.step [ units 4; units 3 ])

            Expect.equal
                [ for record, directory in made -> record.Id, Path.GetFileName directory ]
                [ "units-4-seed1-001", "units-4-seed1-001"; "units-3-seed1-001", "units-3-seed1-001" ]
                "in the order of the experiments"
        }

        test "one run that is asked for by its name is made alone, once the steps before it are there" {
            use folder = new Scratch.Folder()

            let only = {
                sessionIn folder with
                    Work =
                        Perform { Only = Some "units-4"; Once = true; RetryFailed = false; Attached = false }
            }

            let script () =
                Study.step [ units 3 ] |> ignore
                Study.step [ units 4; units 5 ] |> ignore
                failtest "what comes after it is left out"

            Faults.says<RunException> [ "units-3"; "missing" ] (fun () -> within only script)
            study folder [ units 3 ] |> ignore
            Expect.throwsT<Experiment.Ended> (fun () -> within only script) "the script ends with it"
            Expect.equal (folders folder) [ "units-3-seed1-001"; "units-4-seed1-001" ] "and it alone was made"
        }

        test "gathering names what is missing, and makes nothing" {
            use folder = new Scratch.Folder()
            study folder [ units 3 ] |> ignore
            let gather () = within (gathering (sessionIn folder)) (fun () -> Study.step [ units 3; units 4 ])

            Faults.says<RunException>
                [ "1 of 2 runs"; "units-4 with seed 1"; "ntmlab study" ]
                (gather >> ignore)

            Expect.equal (folders folder) [ "units-3-seed1-001" ] "nothing was made"
        }
    ]

let private archives =
    testList "archives" [
        test "runs and findings of an archive count like those made here" {
            use elsewhere = new Scratch.Folder()
            use here = new Scratch.Folder()
            let archive = elsewhere.File "archive"

            let work () =
                Study.step [ units 3 ] |> List.map fst, Study.finding "how many, key 1" (fun () -> [ 5 ])

            let made, _ =
                within (sessionIn elsewhere) (fun () ->
                    Study.forget ()
                    let made = work ()
                    Findings.write archive (Study.used ())
                    made)

            let session = gathering { sessionIn here with Archive = Some archive }

            let found, numbers =
                within session (fun () ->
                    Study.step [ units 3 ], Study.finding "how many, key 1" (fun () -> [ 6 ]))

            Expect.equal (List.map snd found) [ "" ] "its folder is not here"
            Expect.equal [ for record, _ in found -> record.Id ] (ids made) "the record is"
            Expect.equal numbers [ 5 ] "what was measured there"
            Expect.isFalse (Directory.Exists(here.File "runs")) "nothing was made here"
            let record = Findings.read archive |> _.Runs |> List.exactlyOne
            Expect.equal record.Script "script.fsx" "without the folder of that machine"
        }

        test "runs of the same id, from two folders, are both kept, and a configuration is kept once" {
            use first = new Scratch.Folder()
            use second = new Scratch.Folder()
            let other = (units 3).With(EvaluationOptions(Lengths = [| 3 |], Sequences = 4))
            let archived runs : Findings.Archive = { Findings = []; Runs = runs }
            let one, two = study first [ units 3 ], study second [ other ]
            Expect.equal (ids one) (ids two) "the ids say nothing"
            let both = Findings.add (archived one) (archived two)
            Expect.hasLength both.Runs 2 "two configurations"
            Expect.hasLength (Findings.add both (archived one)).Runs 2 "none of them twice"
        }

        test "a damaged line is named" {
            use folder = new Scratch.Folder()
            Findings.write folder.Path { Findings = []; Runs = [] }
            File.WriteAllText(folder.File "runs.jsonl", "\n{\"id\": 1}\n")

            Faults.says<RunException> [ "runs.jsonl"; "line 2"; "damaged" ] (fun () ->
                Findings.read folder.Path |> ignore)
        }

        test "an archive that is not there is empty" {
            use folder = new Scratch.Folder()
            let archive = Findings.read (folder.File "nowhere")
            Expect.isEmpty archive.Runs "no runs"
            Expect.isEmpty archive.Findings "no findings"
        }
    ]

let private findings =
    testList "findings" [
        test "something is measured once under its key" {
            use folder = new Scratch.Folder()
            let mutable measured = 0

            let measure () =
                measured <- measured + 1
                [ float measured ]

            let find key = within (sessionIn folder) (fun () -> Study.finding key measure)

            Expect.equal [ find "a"; find "b"; find "a" ] [ [ 1.0 ]; [ 2.0 ]; [ 1.0 ] ] "twice in all"
        }

        test "processes that ask for the same wait for each other" {
            use folder = new Scratch.Folder()
            let mutable measured = 0

            let find () =
                Study.finding "slow" (fun () ->
                    Thread.Sleep 200
                    [ Interlocked.Increment &measured ])

            let both = within (sessionIn folder) (fun () -> Task.WhenAll(Task.Run find, Task.Run find).Result)

            Expect.equal (List.ofArray both) [ [ 1 ]; [ 1 ] ] "one measured, both know"
        }

        test "gathering names a finding that is missing" {
            use folder = new Scratch.Folder()

            Faults.says<RunException> [ "how long"; "missing"; "ntmlab study" ] (fun () ->
                within (gathering (sessionIn folder)) (fun () ->
                    Study.finding "how long" (fun () -> [ 1 ]) |> ignore))
        }
    ]

let private cells =
    testList "cells" [
        test "an option that has come since a run was made is at its default" {
            let written = ConfigurationJson.Write(units 3)
            let earlier = written.DeepClone().AsObject()
            (nonNull earlier["model"]).AsObject().Remove "layerNorm" |> ignore
            Expect.notEqual (earlier.ToJsonString()) (written.ToJsonString()) "it was written without"

            let record =
                RunRecord(
                    Id = "units-3-seed1-001",
                    Status = RunStatus.Finished,
                    Name = "units-3",
                    Task = "copy",
                    ScoreName = "wrong bits",
                    Model = "rnn",
                    Parameters = 1L,
                    Seed = 1UL,
                    Engine = "fused",
                    Started = DateTimeOffset.UnixEpoch,
                    Updated = DateTimeOffset.UnixEpoch,
                    CodeVersion = "0",
                    Machine = MachineRecord("Linux", "2 x X64", ".NET 10", "2.10", 1),
                    Script = "",
                    Configuration = earlier
                )

            match RunCells.look (RunCells.ofRecords [ record, "" ]) (RunCells.identity (units 3)) with
            | RunCells.Done _ -> ()
            | other -> failtest $"the run was not found: {other}"
        }
    ]

let tests = testList "Study" [ once; goingOn; steps; archives; findings; cells ]
