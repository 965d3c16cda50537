module NtmLab.Tests.Runs.RunFolderTests

open System
open System.IO
open System.Threading.Tasks
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Runs
open NtmLab.Tests
open NtmLab.Tests.Configuration
open NtmLab.Tests.Scratch
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training

let private record: string -> RunRecord = KeptRun.record 0

let private create (runs: string) : RunFolder =
    RunFolder.Create(runs, "copy", 1UL, "// a script\n", record, StoppedClock())

let private openAgain (directory: string) : RunFolder = RunFolder.Open(directory, StoppedClock())

let private creating =
    testList "creating" [
        test "a run is named after the experiment and the seed, and numbered" {
            use folder = new Folder()
            use run = create folder.Path
            Expect.equal run.Record.Id "copy-seed1-001" "the first"
            Expect.equal (Path.GetFileName run.Directory) run.Record.Id "its folder has its name"
        }

        test "a run keeps its script and its record" {
            use folder = new Folder()
            use run = create folder.Path
            Expect.equal (File.ReadAllText run.ScriptFile) "// a script\n" "the script"
            Expect.equal (RunFolder.ReadRecord run.Directory).Id run.Record.Id "the record"
        }

        test "an id is never used again" {
            use folder = new Folder()
            let ids = [ for _ in 1..3 -> (use run = create folder.Path in run.Record.Id) ]
            Expect.equal ids [ "copy-seed1-001"; "copy-seed1-002"; "copy-seed1-003" ] "numbers go up"
        }

        test "a folder that somebody else made is left alone" {
            use folder = new Folder()
            let foreign = Directory.CreateDirectory(Path.Combine(folder.Path, "copy-seed1-001")).FullName
            File.WriteAllText(Path.Combine(foreign, "mine.txt"), "mine")
            use run = create folder.Path
            Expect.equal run.Record.Id "copy-seed1-002" "the next number"

            Expect.equal
                (Directory.GetFileSystemEntries foreign)
                [| Path.Combine(foreign, "mine.txt") |]
                "as it was"
        }

        test "runs that are made at the same time get folders of their own" {
            use folder = new Folder()

            let ids =
                [| for _ in 1..16 -> Task.Run(fun () -> use run = create folder.Path in run.Record.Id) |]
                |> Task.WhenAll
                |> _.GetAwaiter().GetResult()

            Expect.equal (Array.distinct ids).Length 16 "sixteen ids"
            Expect.equal (Directory.GetDirectories folder.Path).Length 16 "and nothing else"
        }

        test "the folder of all runs is made" {
            use folder = new Folder()
            use run = create (Path.Combine(folder.Path, "a", "b"))
            Expect.isTrue (File.Exists run.ScriptFile) "with all folders above it"
        }

        test "a place where nothing can be written is refused with advice" {
            use folder = new Folder()
            // A file, because administrators may write into any folder.
            File.WriteAllText(folder.File "runs", "")

            Faults.says<RunException> [ folder.File "runs"; "--runs" ] (fun () ->
                create (folder.File "runs") |> ignore)
        }
    ]

let private opening =
    testList "opening" [
        test "a run can be opened when its process is gone" {
            use folder = new Folder()
            let directory = (use run = create folder.Path in run.Directory)
            use again = openAgain directory
            Expect.equal again.Record.Id "copy-seed1-001" "the same run"
        }

        test "a run that is held is refused" {
            use folder = new Folder()
            use run = create folder.Path

            Faults.says<RunException> [ run.Directory; "held by another process" ] (fun () ->
                openAgain run.Directory |> ignore)
        }

        test "a run is held as long as it is open" {
            use folder = new Folder()
            let run = create folder.Path
            Expect.isTrue (RunFolder.IsHeld run.Directory) "since it was made"
            run.Dispose()
            Expect.isFalse (RunFolder.IsHeld run.Directory) "not after it was closed"
            use again = openAgain run.Directory
            Expect.isTrue (RunFolder.IsHeld again.Directory) "since it was opened again"
        }

        test "to ask whether a run is held does not hold it" {
            use folder = new Folder()
            let directory = (use run = create folder.Path in run.Directory)

            for _ in 1..3 do
                Expect.isFalse (RunFolder.IsHeld directory) "nobody is at it"

            use again = openAgain directory
            Expect.equal again.Directory directory "it opens"
        }

        test "a run that is held can be read" {
            use folder = new Folder()
            use run = create folder.Path
            Expect.equal (RunFolder.ReadRecord run.Directory).Status RunStatus.Running "by anybody"
        }

        test "a folder without a record is refused" {
            use folder = new Folder()
            Faults.says<RunException> [ folder.Path; "run.json" ] (fun () -> openAgain folder.Path |> ignore)
        }

        test "a folder that does not exist is refused" {
            use folder = new Folder()
            let missing = Path.Combine(folder.Path, "missing")
            Faults.says<RunException> [ missing; "not a run" ] (fun () -> openAgain missing |> ignore)
        }

        test "a file in place of a run is refused" {
            use folder = new Folder()
            File.WriteAllText(folder.File "a", "")
            Faults.says<RunException> [ folder.File "a" ] (fun () -> openAgain (folder.File "a") |> ignore)
        }

        for name, text in
            [ "a truncated", "{\"id\":"; "an empty", ""; "a foreign", "{\"a\":1}"; "a null", "null" ] do
            test $"{name} record is refused" {
                use folder = new Folder()
                File.WriteAllText(folder.File "run.json", text)

                Faults.says<RunException> [ folder.File "run.json" ] (fun () ->
                    openAgain folder.Path |> ignore)
            }

        test "a record that cannot be read is refused" {
            use folder = new Folder()
            // A folder, because administrators may read any file.
            Directory.CreateDirectory(folder.File "run.json") |> ignore
            Faults.says<RunException> [ "run.json" ] (fun () -> openAgain folder.Path |> ignore)
        }
    ]

let private keeping =
    testList "keeping" [
        test "a changed record can be read at once" {
            use folder = new Folder()
            use run = create folder.Path
            run.Update _.WithStatus(RunStatus.Finished)
            Expect.equal (RunFolder.ReadRecord run.Directory).Status RunStatus.Finished "from the file"
        }

        test "a record is read as it was written" {
            use folder = new Folder()
            use run = create folder.Path

            run.Update(fun record ->
                record
                    .WithFault("It \"broke\".")
                    .WithEvaluation([| LengthScore(10, 0.25, 0.5) |])
                    .WithProgress(
                        TrainerState(
                            Sequences = 12L,
                            Seconds = 1.5,
                            SolvedAtSequences = 8L,
                            SolvedAtSeconds = 1.0
                        )
                    ))

            let json (record: RunRecord) =
                Text.Json.JsonSerializer.Serialize(record, ConfigurationJson.Options)

            Expect.equal (json (RunFolder.ReadRecord run.Directory)) (json run.Record) "every value"
        }

        test "all runs of a folder are listed, newest first" {
            use folder = new Folder()

            for seconds in [ 1.0; 3.0; 2.0 ] do
                use run = create folder.Path
                ignore run

                run.Update(fun record ->
                    RunRecord(
                        Id = record.Id,
                        Status = record.Status,
                        Name = record.Name,
                        Task = record.Task,
                        ScoreName = record.ScoreName,
                        Model = record.Model,
                        Parameters = record.Parameters,
                        Seed = record.Seed,
                        Engine = record.Engine,
                        Updated = record.Updated,
                        Started = DateTimeOffset.UnixEpoch.AddSeconds seconds,
                        CodeVersion = record.CodeVersion,
                        Machine = record.Machine,
                        Script = record.Script,
                        Configuration = record.Configuration
                    ))

            let listed = [ for struct (_, record) in RunFolder.List folder.Path -> record.Id ]

            Expect.equal
                listed
                [ "copy-seed1-002"; "copy-seed1-003"; "copy-seed1-001" ]
                "by when they started"
        }

        test "what is no run is not listed" {
            use folder = new Folder()
            use run = create folder.Path
            Directory.CreateDirectory(folder.File "other") |> ignore
            File.WriteAllText(folder.File "notes.txt", "")
            Expect.equal (RunFolder.List folder.Path).Count 1 "only the run"
            ignore run
        }

        test "a folder that does not exist holds no runs" {
            Expect.isEmpty (RunFolder.List "/nowhere/at/all") "an empty list, not a fault"
        }

        test "the report names what the command line promises" {
            let report = (record "copy-seed1-001").Report "/runs/copy-seed1-001"

            for key in
                [
                    "run"
                    "directory"
                    "task"
                    "model"
                    "seed"
                    "engine"
                    "sequences"
                    "seconds"
                    "solved"
                    "solvedAtSequences"
                    "solvedAtSeconds"
                    "evaluation"
                ] do
                Expect.isTrue (report.ContainsKey key) key
        }

        test "the report gives scores under the task's own name" {
            let report = (record "a").WithEvaluation([| LengthScore(10, 0.25, 0.5) |]).Report "/runs/a"

            Expect.equal
                ((nonNull report["evaluation"]).ToJsonString())
                """[{"length":10,"wrongBits":0.25,"perfectFraction":0.5}]"""
                "wrong bits, in one word"
        }
    ]

let private rewinding =
    testList "rewinding" [
        test "rewinding keeps the past and nothing else" {
            use folder = new Folder()
            use run = create folder.Path
            let batch n = BatchReport(n, 4L * n, 1, 0.5, 0.25, 0.125, 0.0)

            do
                use metrics = new MetricsLog<BatchReport>(run.MetricsFile, StoppedClock())
                use evaluations = new MetricsLog<EvaluationRow>(run.EvaluationsFile, StoppedClock())

                for n in 1L .. 6L do
                    metrics.Append(batch n)

                for sequences in [ 8L; 12L; 16L ] do
                    evaluations.Append(EvaluationRow(sequences, [| LengthScore(1, 0.5, 0.5) |]))

            run.Rewind(TrainerState(Batches = 3L, Sequences = 12L))

            Expect.equal
                (List.ofSeq (MetricsRows.Read<BatchReport> run.MetricsFile))
                [ batch 1L; batch 2L; batch 3L ]
                "batches"

            let evaluated = [
                for row in MetricsRows.Read<EvaluationRow> run.EvaluationsFile -> row.Sequences
            ]

            Expect.equal evaluated [ 8L; 12L ] "evaluations"
        }

        test "rewinding a run without metrics does no harm" {
            use folder = new Folder()
            use run = create folder.Path
            run.Rewind(TrainerState(Batches = 3L, Sequences = 12L))
            Expect.isEmpty (MetricsRows.Read<BatchReport> run.MetricsFile) "there are none"
        }
    ]

let tests = testList "RunFolder" [ creating; opening; keeping; rewinding ]
