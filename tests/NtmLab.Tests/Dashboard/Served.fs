/// A dashboard over a few made-up runs, in the process of the tests.
module NtmLab.Tests.Dashboard.Served

open System
open System.Collections.Generic
open System.IO
open System.Threading
open NtmLab.Cli
open NtmLab.Dashboard
open NtmLab.Runs
open NtmLab.Runs.Store
open NtmLab.Tests.Runs
open NtmLab.Tests.Scratch
open NtmLab.Training

/// Makes a finished run of a number, with metrics, scores and a picture; gives its id.
let finished (runs: string) (number: int) : string =
    let directory = KeptRun.whole runs number 100
    use run = RunFolder.Open(directory, TimeProvider.System)
    File.WriteAllBytes(run.Picture "learning-curve" + ".png", [| 137uy; 80uy; 78uy; 71uy |])

    run.Update(fun record ->
        record
            .WithStatus(RunStatus.Finished)
            .WithEvaluation([| LengthScore(5, 0.25, 0.5); LengthScore(10, 1.5, 0.0) |]))

    run.Record.Id

/// Serves the runs of a folder while a test asks for them; the test is given the server's address.
let over (runs: string) (test: string -> unit) : unit =
    use source = RunSources.Open(runs, StoreAddress.None, ignore)
    let compare (records: IReadOnlyList<RunRecord>) = Compare.document (List.ofSeq records)
    let starting = DashboardServer.Start(source, compare, 0, CancellationToken.None)
    let server = starting.GetAwaiter().GetResult()

    try
        test server.Address
    finally
        server.DisposeAsync().AsTask().Wait()

/// Serves three made-up runs.
let three (test: string -> string -> unit) : unit =
    use folder = new Folder()

    for number in 1..3 do
        finished folder.Path number |> ignore

    over folder.Path (test folder.Path)
