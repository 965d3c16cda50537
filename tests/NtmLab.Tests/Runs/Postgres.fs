/// A PostgreSQL server for the tests, with a database for each of them.
module NtmLab.Tests.Runs.Postgres

open System.IO
open System.Threading
open Npgsql
open NtmLab.Tests

let private server: Lazy<Result<int, string>> =
    lazy
        let folder = Directory.CreateTempSubdirectory("ntmlab-pg-").FullName
        let port = Services.freePort ()
        Services.start "postgres" folder [ string port ] |> Result.map (fun () -> port)

let private address (port: int) (database: string) : string =
    $"Host=127.0.0.1;Port={port};Username=ntmlab;Database={database}"

let mutable private databases = 0

/// The address of an empty database; skips the test where there is no server.
let database () : string =
    let port = Services.require server
    let name = $"test{Interlocked.Increment &databases}"
    use source = NpgsqlDataSource.Create(address port "postgres")
    use command = source.CreateCommand $"CREATE DATABASE {name}"
    command.ExecuteNonQuery() |> ignore
    address port name
