/// How a process that makes runs is asked to stop, and ends after saving them.
[<RequireQualifiedAccess>]
module internal NtmLab.Stopping

open System
open System.Runtime.InteropServices
open System.Threading

/// Raised when the user asked a run to stop; the run is saved.
exception Interrupted of sentence: string

let mutable private asked = false

/// Stops before the next of several runs where this process was asked to stop, though too late for the run under way.
let ifAsked () : unit =
    if asked then
        raise (Interrupted "stopped; the same command goes on.")

/// Cancels on Ctrl-C or termination; a second Ctrl-C ends the process at once.
let onSignals (say: string -> unit) (source: CancellationTokenSource) : IDisposable list =
    let stop (context: PosixSignalContext) =
        if not source.IsCancellationRequested then
            context.Cancel <- true
            asked <- true
            source.Cancel()
            say "stopping after this batch; once more ends at once"

    [
        for signal in [ PosixSignal.SIGINT; PosixSignal.SIGTERM ] ->
            PosixSignalRegistration.Create(signal, stop)
    ]

/// Cancels when standard input ends: when the process that started this one lets go of it, or has died.
let atEndOfInput (source: CancellationTokenSource) : unit =
    let watch () =
        use input = Console.OpenStandardInput()
        let buffer = Array.zeroCreate<byte> 64

        while input.Read(buffer, 0, buffer.Length) > 0 do
            ()

        asked <- true

        try
            source.Cancel()
        with :? ObjectDisposedException ->
            ()

    Thread(watch, IsBackground = true, Name = "end of input").Start()
