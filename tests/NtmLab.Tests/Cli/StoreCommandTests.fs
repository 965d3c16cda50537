module NtmLab.Tests.Cli.StoreCommandTests

open System.IO
open System.Text.Json
open Dapper
open Expecto
open Microsoft.Data.Sqlite
open NtmLab.Tests.Cli.CommandLine
open NtmLab.Tests.Runs

/// The ids that `runs` lists, and what it says beside.
let private listed (environment: (string * string) list) (runs: string) : string list * string =
    let outcome = runWith environment [ "runs"; "--json"; "--runs"; runs ]
    Expect.equal outcome.Code 0 outcome.Errors

    use document = JsonDocument.Parse outcome.Output

    [ for run in document.RootElement.EnumerateArray() -> string (run.GetProperty "run") ], outcome.Errors

let private connect (runs: string) : SqliteConnection =
    let file = Path.Combine(runs, "ntmlab.db")
    new SqliteConnection($"Data Source={file}")

let private query<'T> (runs: string) (sql: string) : 'T =
    use connection = connect runs
    connection.QuerySingle<'T> sql

let private newer (runs: string) : unit =
    use connection = connect runs

    connection.Execute "CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (99)"
    |> ignore

let tests =
    testList "the store" [
        test "a run is in the store when it ends, and is listed from there" {
            within (fun runs ->
                let outcome = run (small runs)
                Expect.equal outcome.Code 0 outcome.Errors
                Expect.equal (query<int64> runs "SELECT COUNT(*) FROM metrics") 75L "every batch"
                Expect.equal (query<int64> runs "SELECT COUNT(*) FROM evaluations") 6L "every score"
                Expect.equal (query<string> runs "SELECT status FROM runs") "finished" "its end"
                Expect.equal (listed [] runs) ([ "copy-seed1-001" ], "") "it is listed")
        }

        test "a run beside a store of a newer version is whole, and says so" {
            within (fun runs ->
                newer runs
                let outcome = run (copying 80 runs)
                Expect.equal outcome.Code 0 "the run is made"
                Expect.stringContains outcome.Errors "newer NtmLab" "and told that it is in no store"
                let ids, errors = listed [] runs
                Expect.equal ids [ "copy-seed1-001" ] "it is listed all the same"
                Expect.stringContains errors "read from their folders" "and that is told")
        }

        test "folders alone are left without a store" {
            within (fun runs ->
                let alone = [ "NTMLAB_STORE", "none" ]
                Expect.equal (runWith alone (copying 80 runs)).Code 0 "the run is made"
                Expect.equal (listed alone runs) ([ "copy-seed1-001" ], "") "it is listed"
                Expect.isFalse (File.Exists(Path.Combine(runs, "ntmlab.db"))) "no store")
        }

        test "an address that is none is refused before anything is made" {
            within (fun runs ->
                let outcome = runWith [ "NTMLAB_STORE", "nonsense" ] (small runs)
                Expect.equal outcome.Code 2 "a wrong request"
                Expect.stringContains outcome.Errors "NTMLAB_STORE" "which variable"
                Expect.isEmpty (Directory.GetFileSystemEntries runs) "nothing")
        }

        test "machines that share a database list, show, compare and export each other's runs" {
            let shared = [ "NTMLAB_STORE", Postgres.database () ]

            within (fun here ->
                within (fun there ->
                    for runs in [ here; there ] do
                        let outcome = runWith shared (copying 80 runs)
                        Expect.equal outcome.Code 0 outcome.Errors

                    let second = "copy-seed1-002"
                    Expect.isTrue (Directory.Exists(Path.Combine(there, second))) "ids are shared out"
                    let ids, errors = listed shared here
                    Expect.equal (ids, errors) ([ second; "copy-seed1-001" ], "") "both are listed"
                    // As if the folder lay on another machine.
                    Directory.Move(Path.Combine(there, second), Path.Combine(there, "away"))

                    let ask verb arguments =
                        runWith shared (verb :: second :: arguments @ [ "--runs"; here ])

                    let shown = ask "show" []
                    Expect.stringContains shown.Output "on another machine" shown.Errors
                    let compared = ask "compare" [ "copy-seed1-001" ]
                    Expect.stringContains compared.Output "copy" compared.Errors
                    let file = Path.Combine(there, "a.csv")
                    let exported = ask "export" [ file ]
                    Expect.equal exported.Code 0 exported.Errors
                    Expect.hasLength (File.ReadAllLines file) 11 "every batch and the names"
                    let resumed = ask "resume" []
                    Expect.equal resumed.Code 1 "what needs the folder cannot be done"
                    Expect.stringContains resumed.Errors "on another machine" "and that is told"))
        }
    ]
