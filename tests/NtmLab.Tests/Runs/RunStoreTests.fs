module NtmLab.Tests.Runs.RunStoreTests

open System
open System.IO
open System.Threading.Tasks
open Dapper
open Expecto
open Microsoft.Data.Sqlite
open Npgsql
open NtmLab
open NtmLab.Runs
open NtmLab.Runs.Store
open NtmLab.Tests
open NtmLab.Tests.Scratch
open NtmLab.Tests.Training.TrainingSetup

let private nobody (sentence: string) : unit = failtest $"nothing was to be said, and this was: {sentence}"

let private openStore (runs: string) (address: string | null) : RunStore =
    nonNull (RunStore.Open(runs, address, nobody))

/// A migration that later versions might bring.
let private next: string = "ALTER TABLE runs ADD COLUMN remark TEXT NOT NULL DEFAULT 'none'"

let private withNext: string list = List.ofSeq StoreSchema.Migrations @ [ next ]

let private openNewer (runs: string) (address: string | null) : RunStore =
    nonNull (RunStore.Open(runs, address, nobody, withNext))

/// Tests of both databases; an address is made anew for each test.
let private ofBoth (name: string) (address: unit -> string | null) : Test =
    let over (test: string -> string | null -> unit) =
        use folder = new Folder()
        test folder.Path (address ())

    testList name [
        RunSourceLaws.tests name (fun runs -> openStore runs (address ()))

        test "what was taken in is there when the store is opened again" {
            over (fun runs address ->
                KeptRun.whole runs 1 50 |> ignore

                using (openStore runs address) (fun store ->
                    Expect.hasLength (store.Metrics "copy-seed1-001") 50 "rows")

                using (openStore runs address) (fun store ->
                    Expect.equal (store.Take(Path.Combine(runs, "copy-seed1-001"))) 0L "nothing is new"
                    Expect.hasLength (store.Metrics "copy-seed1-001") 50 "rows"))
        }

        test "only what is new is taken in, in as many turns as it takes" {
            over (fun runs address ->
                use store = openStore runs address
                use run = KeptRun.create runs 1
                KeptRun.append run [ for batch in 1..45_000 -> KeptRun.row 0.0 batch ]
                Expect.equal (store.Take run.Directory) 45_000L "all"
                Expect.equal (store.Take run.Directory) 0L "no more"
                KeptRun.append run [ KeptRun.row 0.0 45_001 ]
                Expect.equal (store.Take run.Directory) 1L "one more"

                Expect.equal
                    (Seq.exactlyOne (store.Metrics("copy-seed1-001", 45_000L)))
                    (KeptRun.row 0.0 45_001)
                    "that one")
        }

        test "several processes take in one run, and every row is there once" {
            over (fun runs address ->
                use run = KeptRun.create runs 1
                let stores = [ for _ in 1..3 -> openStore runs address ]

                for part in 0..4 do
                    KeptRun.append run [ for batch in 1..400 -> KeptRun.row 0.0 (400 * part + batch) ]

                    let tasks = [| for store in stores -> Task.Run(fun () -> store.Take run.Directory) |]
                    Task.WaitAll(tasks |> Array.map (fun task -> task :> Task))
                    Expect.equal (tasks |> Array.sumBy _.Result) 400L "each row is taken by one of them"

                Expect.hasLength (stores.Head.Metrics run.Record.Id) 2000 "all of them"

                for store in stores do
                    store.Dispose())
        }

        test "an older store is brought up to date, with all that it holds" {
            over (fun runs address ->
                KeptRun.whole runs 1 20 |> ignore

                using (openStore runs address) (fun store ->
                    store.Take(Path.Combine(runs, "copy-seed1-001")) |> ignore)

                using (openNewer runs address) (fun store ->
                    Expect.equal (store.Take(Path.Combine(runs, "copy-seed1-001"))) 0L "nothing is lost"
                    Expect.hasLength (store.Metrics "copy-seed1-001") 20 "rows")

                using (openNewer runs address) (fun store ->
                    Expect.hasLength (store.List()) 1 "and only once"))
        }

        test "a store of a newer version is refused and left alone" {
            over (fun runs address ->
                KeptRun.whole runs 1 20 |> ignore

                using (openNewer runs address) (fun store ->
                    store.Take(Path.Combine(runs, "copy-seed1-001")) |> ignore)

                Faults.says<RunException> [ "version 2"; "newer"; "version 1" ] (fun () ->
                    openStore runs address |> ignore)

                using (openNewer runs address) (fun store ->
                    Expect.hasLength (store.Metrics "copy-seed1-001") 20 "as it was"))
        }

        test "a copied folder is told and left out" {
            over (fun runs address ->
                let directory = KeptRun.whole runs 1 1
                let copy = Directory.CreateDirectory(Path.Combine(runs, "copy-seed1-001-copy")).FullName
                File.Copy(RunFolder.RecordOf directory, RunFolder.RecordOf copy)
                let said = ResizeArray<string>()
                use store = nonNull (RunStore.Open(runs, address, (fun sentence -> said.Add sentence)))
                Expect.hasLength (store.List()) 1 "the run itself"
                Expect.hasLength (store.List()) 1 "again"
                Expect.hasLength said 1 "it is said once"
                Expect.stringContains said[0] "copy-seed1-001-copy" "which")
        }

        test "a follower takes in what a run writes, to its end" {
            over (fun runs address ->
                use follower = new StoreFollower(runs, address)
                use run = KeptRun.create runs 1
                follower.Follow run.Directory
                KeptRun.append run [ for batch in 1..1000 -> KeptRun.row 0.0 batch ]
                run.Update(fun record -> record.WithStatus RunStatus.Finished)
                follower.Finish()
                Expect.isNull (follower.Trouble()) "no trouble"
                // Read past the folder, which would be taken in by asking.
                let elsewhere = Directory.CreateDirectory(Path.Combine(runs, "elsewhere")).FullName

                if not (isNull address) then
                    use store = openStore elsewhere address
                    Expect.hasLength (store.Metrics run.Record.Id) 1000 "all rows"
                    Expect.equal (Seq.head (store.List())).Record.Status RunStatus.Finished "and its end"
                else
                    use connection =
                        new SqliteConnection($"Data Source={Path.Combine(runs, SqliteEngine.FileName)}")

                    Expect.equal
                        (connection.QuerySingle<int64> "SELECT COUNT(*) FROM metrics")
                        1000L
                        "all rows"

                    Expect.equal
                        (connection.QuerySingle<string> "SELECT status FROM runs")
                        "finished"
                        "and its end")
        }

        test "a follower says once what is wrong with the store, and the run goes on" {
            over (fun runs address ->
                (openNewer runs address).Dispose()
                use follower = new StoreFollower(runs, address)
                use run = KeptRun.create runs 1
                follower.Follow run.Directory
                KeptRun.append run [ KeptRun.row 0.0 1 ]
                follower.Finish()
                Expect.stringContains (nonNull (follower.Trouble())) "newer" "what is wrong"
                Expect.isNull (follower.Trouble()) "once"
                Expect.isTrue (File.Exists run.MetricsFile) "the run is in its folder")
        }
    ]

let private sqlite =
    testList "SQLite alone" [
        test "a run whose folder is gone is gone" {
            use folder = new Folder()
            KeptRun.whole folder.Path 1 1 |> ignore
            KeptRun.whole folder.Path 2 1 |> ignore
            use store = openStore folder.Path null
            Expect.hasLength (store.List()) 2 "both"
            Directory.Delete(Path.Combine(folder.Path, "copy-seed2-001"), true)
            Expect.equal [ for run in store.List() -> run.Record.Id ] [ "copy-seed1-001" ] "the other"
        }

        test "a store moves with its folder" {
            use folder = new Folder()
            let before = folder.File "before"
            Directory.CreateDirectory before |> ignore
            KeptRun.whole before 1 5 |> ignore
            using (openStore before null) (fun store -> store.List() |> ignore)
            Directory.Move(before, folder.File "after")
            use store = openStore (folder.File "after") null
            let known = nonNull (store.Find "copy-seed1-001")
            Expect.equal known.Directory (folder.File "after/copy-seed1-001") "where it is now"
            Expect.hasLength (store.Metrics "copy-seed1-001") 5 "its rows"
        }

        test "a store that another program has locked is told" {
            use folder = new Folder()
            KeptRun.whole folder.Path 1 5 |> ignore
            use store = openStore folder.Path null
            use other = new SqliteConnection($"Data Source={folder.File SqliteEngine.FileName}")
            other.Open()
            other.Execute "BEGIN EXCLUSIVE" |> ignore

            Faults.says<RunException> [ folder.File SqliteEngine.FileName; "locked"; "5 seconds" ] (fun () ->
                store.Take(folder.File "copy-seed1-001") |> ignore)

            other.Execute "ROLLBACK" |> ignore
            Expect.equal (store.Take(folder.File "copy-seed1-001")) 5L "and taken in when it is free"
        }

        test "a file that is no store is told and left alone" {
            use folder = new Folder()
            KeptRun.whole folder.Path 1 5 |> ignore
            File.WriteAllText(folder.File SqliteEngine.FileName, String.replicate 100 "not a database ")
            let before = File.ReadAllBytes(folder.File SqliteEngine.FileName)

            Faults.says<RunException>
                [ folder.File SqliteEngine.FileName; "damaged"; "may be removed" ]
                (fun () -> openStore folder.Path null |> ignore)

            Expect.equal (File.ReadAllBytes(folder.File SqliteEngine.FileName)) before "as it was"
            let said = ResizeArray<string>()
            use source = RunSources.Open(folder.Path, null, (fun sentence -> said.Add sentence))
            Expect.hasLength (source.Metrics "copy-seed1-001") 5 "the runs are read from their folders"
            Expect.hasLength said 1 "and that is said"
        }

        test "a folder without runs gets no store" {
            use folder = new Folder()
            use source = RunSources.Open(folder.Path, null, nobody)
            Expect.isEmpty (source.List()) "no runs"
            Expect.isEmpty (Directory.GetFileSystemEntries folder.Path) "and no file"
        }

        test "folders alone make no store" {
            use folder = new Folder()
            KeptRun.whole folder.Path 1 5 |> ignore
            use source = RunSources.Open(folder.Path, StoreAddress.None, nobody)
            Expect.hasLength (source.List()) 1 "the run"
            use follower = new StoreFollower(folder.Path, StoreAddress.None)
            follower.Follow(folder.File "copy-seed1-001")
            follower.Finish()
            Expect.isFalse (File.Exists(folder.File SqliteEngine.FileName)) "no file"
        }
    ]

let private postgres =
    testList "PostgreSQL alone" [
        test "machines see each other's runs, and their numbers outlive the folder" {
            let address = Postgres.database ()
            use folder = new Folder()
            let here = Directory.CreateDirectory(folder.File "here").FullName
            let there = Directory.CreateDirectory(folder.File "there").FullName
            let directory = KeptRun.whole here 1 30
            using (openStore here address) (fun store -> store.Take directory |> ignore)
            use store = openStore there address

            Expect.equal
                (nonNull (store.Find "copy-seed1-001")).Directory
                directory
                "of one machine: where it is"

            Directory.Delete(directory, true)
            Expect.isNull (nonNull (store.Find "copy-seed1-001")).Directory "no folder"
            Expect.hasLength (store.Metrics "copy-seed1-001") 30 "rows"
            Expect.equal (store.Script "copy-seed1-001") KeptRun.script "and the script"
        }

        test "an id that another machine has taken is not used" {
            let address = Postgres.database ()
            use folder = new Folder()
            let here = Directory.CreateDirectory(folder.File "here").FullName
            let there = Directory.CreateDirectory(folder.File "there").FullName

            let create (runs: string) (number: int) =
                use follower = new StoreFollower(runs, address)

                use run =
                    RunFolder.Create(
                        runs,
                        "copy",
                        1UL,
                        KeptRun.script,
                        KeptRun.record number,
                        StoppedClock(),
                        fun record -> follower.Reserve record
                    )

                run.Record.Id

            Expect.equal (create here 1) "copy-seed1-001" "the first"
            Expect.equal (create there 2) "copy-seed1-002" "the next"

            Expect.isFalse
                (Directory.Exists(Path.Combine(there, "copy-seed1-001")))
                "nothing is left of the try"
        }

        test "two runs of one id are told, and the first is kept" {
            let address = Postgres.database ()
            use folder = new Folder()
            let here = Directory.CreateDirectory(folder.File "here").FullName
            let there = Directory.CreateDirectory(folder.File "there").FullName
            let directory = KeptRun.whole here 1 30
            using (openStore here address) (fun store -> store.Take directory |> ignore)

            let other =
                use run =
                    RunFolder.Create(there, "copy", 1UL, KeptRun.script, KeptRun.record 2, StoppedClock())

                run.Directory

            use store = openStore there address

            Faults.says<RunException> [ other; "another run 'copy-seed1-001'"; "1970-01-02" ] (fun () ->
                store.Take other |> ignore)

            use elsewhere = openStore (folder.File "elsewhere") address
            let first = nonNull (elsewhere.Find "copy-seed1-001")
            Expect.equal first.Record.Started (KeptRun.startedAt 1) "the first"
        }

        test "a server that cannot be reached is told without its password" {
            let port = Services.freePort ()
            let address = $"Host=127.0.0.1;Port={port};Username=me;Password=secret;Database=lab"
            use folder = new Folder()
            KeptRun.whole folder.Path 1 5 |> ignore
            let said = ResizeArray<string>()
            use source = RunSources.Open(folder.Path, address, (fun sentence -> said.Add sentence))
            Expect.hasLength (source.List()) 1 "the runs are read from their folders"
            Expect.hasLength said 1 "and that is said"
            Expect.stringContains said[0] $"127.0.0.1:{port}" "who was asked"
            Expect.isFalse (said[0].Contains "secret") "no password"
        }

        for address in [ "nonsense"; "Host="; "Hots=a"; "Port=x;Host=a;Password=secret" ] do
            test $"'{address}' is no address" {
                use folder = new Folder()

                let said =
                    Faults.sentence<ConfigurationException>(fun () -> openStore folder.Path address |> ignore)

                Expect.stringContains said StoreAddress.Variable "which variable"
                Expect.isFalse (said.Contains "secret") "no password"
            }
    ]

let tests =
    testList "RunStore" [
        ofBoth "SQLite" (fun () -> null)
        ofBoth "PostgreSQL" Postgres.database
        sqlite
        postgres
    ]
