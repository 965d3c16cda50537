namespace NtmLab.Cli

open System
open System.Runtime.InteropServices
open System.Threading

/// Asks for an end on the first Ctrl-C or termination; the second ends the process.
type StopSignals() =
    let source = new CancellationTokenSource()

    let stop (context: PosixSignalContext) =
        if not source.IsCancellationRequested then
            context.Cancel <- true
            source.Cancel()

    let registrations = [
        for signal in [ PosixSignal.SIGINT; PosixSignal.SIGTERM ] ->
            PosixSignalRegistration.Create(signal, stop)
    ]

    /// Cancelled by the first signal.
    member _.Token: CancellationToken = source.Token

    interface IDisposable with
        member _.Dispose() =
            for registration in registrations do
                registration.Dispose()

            source.Dispose()
