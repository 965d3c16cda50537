/// `ntmlab serve`: the dashboard.
module NtmLab.Cli.Serve

open System
open System.Runtime.InteropServices
open System.Threading
open Argu
open NtmLab.Dashboard

/// `ntmlab serve`.
let run (arguments: ParseResults<ServeArgument>) : int =
    let runs = arguments.GetResult(ServeArgument.Runs, "runs")
    use source = RunLookup.openRuns runs
    use ended = new CancellationTokenSource()

    let stop (context: PosixSignalContext) =
        context.Cancel <- true
        ended.Cancel()

    use _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, stop)
    use _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, stop)

    let serve = task {
        use! server =
            DashboardServer.Start(
                source,
                (fun records -> Compare.document (List.ofSeq records)),
                arguments.GetResult(Port, 5005),
                ended.Token
            )

        Console.Out.WriteLine $"the runs of {IO.Path.GetFullPath runs}: {server.Address} (Ctrl-C ends)"
        do! server.Stopped
    }

    serve.GetAwaiter().GetResult()
    0
