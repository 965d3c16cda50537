namespace NtmLab.Sweeps

open System
open System.Diagnostics
open System.IO

/// A process of this machine that works on its own: what it says goes into a file, and it is asked to stop by the end of its input.
type LoggedProcess private (running: Process, log: TextWriter) =

    /// Starts a program.
    /// <param name="program">The program, and arguments of its own that come before the others.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="log">The file that gets what it says, in place of what is there.</param>
    static member Start(program: string list, arguments: string list, log: string) : LoggedProcess =
        let info =
            ProcessStartInfo(
                List.head program,
                List.tail program @ arguments,
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        let writer = TextWriter.Synchronized(new StreamWriter(log, AutoFlush = true))
        let running = new Process(StartInfo = info)

        let keep (line: DataReceivedEventArgs) =
            match line.Data with
            | null -> ()
            | text -> writer.WriteLine text

        running.OutputDataReceived.Add keep
        running.ErrorDataReceived.Add keep
        running.Start() |> ignore
        running.BeginOutputReadLine()
        running.BeginErrorReadLine()
        new LoggedProcess(running, writer)

    /// Whether it has come to its end.
    member _.HasExited: bool = running.HasExited

    /// Asks it to stop, as one does that was started with `--attached`.
    member _.Stop() : unit = running.StandardInput.Close()

    /// Waits for its end; gives its exit code.
    member _.Wait() : int =
        running.WaitForExit()
        running.ExitCode

    interface IDisposable with
        member _.Dispose() =
            running.Dispose()
            log.Dispose()
