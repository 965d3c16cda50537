/// Programs that some tests need beside .NET. The scripts in tests/services start them, and install them where that is asked for.
module NtmLab.Tests.Services

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Sockets
open Expecto

let private run (name: string) (arguments: string list) : Result<unit, string> =
    let script = Path.Combine(Scratch.repository.Value, "tests", "services", name)

    let info = ProcessStartInfo(script, arguments, RedirectStandardError = true, UseShellExecute = false)

    match Process.Start info with
    | null -> Error $"{script} cannot be started"
    | started ->
        use started = started
        let errors = started.StandardError.ReadToEnd()
        started.WaitForExit()

        if started.ExitCode = 0 then Ok() else Error(errors.Trim())

/// Starts a service that has its files in a folder of its own; it ends with the tests, and the folder with it.
let start (name: string) (folder: string) (arguments: string list) : Result<unit, string> =
    match run name ("start" :: folder :: arguments) with
    | Ok() ->
        AppDomain.CurrentDomain.ProcessExit.Add(fun _ ->
            run name [ "stop"; folder ] |> ignore
            Directory.Delete(folder, true))

        Ok()
    | Error why ->
        let hint = $"'tests/services/{name} install' may help"
        eprintfn $"TESTS ARE SKIPPED, for want of {name}: {why} ({hint})"
        Error why

/// A port that nobody uses.
let freePort () : int =
    use listener = new TcpListener(IPAddress.Loopback, 0)
    listener.Start()
    (listener.LocalEndpoint :?> IPEndPoint).Port

/// Skips a test whose service is missing.
let require (service: Lazy<Result<'T, string>>) : 'T =
    match service.Value with
    | Ok found -> found
    | Error why -> skiptest why
