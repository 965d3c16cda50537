/// Makes the runs of a sweep in processes of this machine.
[<RequireQualifiedAccess>]
module NtmLab.Sweeps.LocalLauncher

open System.Threading
open NtmLab

/// A process that makes a run.
type private Worker = { Cell: SweepCell; Process: LoggedProcess }

let private start (sweep: Sweep) (cell: SweepCell) : Worker =
    let arguments =
        SweepCell.arguments sweep.Script sweep.Runs sweep.Threads sweep.RetryFailed cell
        @ [ "--attached" ]

    {
        Cell = cell
        Process = LoggedProcess.Start(sweep.Program, arguments, Sweep.log sweep cell)
    }

/// Ends what belongs to a worker that has come to its end; gives its exit code.
let private reap (worker: Worker) : int =
    use ended = worker.Process
    ended.Wait()

/// Makes what is missing, so many runs at a time. A run that fails does not keep the others from theirs; on cancellation those that go on
/// are asked to stop, and are waited for. Gives how every cell stands at the end.
let run
    (sweep: Sweep)
    (jobs: int)
    (display: SweepDisplay)
    (cancellation: CancellationToken)
    : CellOutcome list =
    Sweep.prepare sweep
    let before = Sweep.look sweep
    let todo = before |> List.filter (Sweep.isOpen sweep) |> List.map _.Cell

    /// The codes of those that ended, newest first.
    let rec go (waiting: SweepCell list) (running: Worker list) (ended: Map<int, int>) (stopping: bool) =
        let stop = cancellation.IsCancellationRequested

        if stop && not stopping then
            display.Say $"stopping {running.Length} runs after their batch; once more ends at once"

            for worker in running do
                worker.Process.Stop()

        let over, still = running |> List.partition _.Process.HasExited
        let codes = [ for worker in over -> worker.Cell, reap worker ]

        for cell, code in codes do
            let how =
                if code = 0 then "finished"
                elif stop then "stopped"
                else "failed"

            display.Say $"{cell.Label}: {how}"

        let ended =
            (ended, codes)
            ||> List.fold (fun ended (cell, code) -> Map.add cell.Index code ended)

        let room = if stop then 0 else min waiting.Length (jobs - still.Length)
        let next, waiting = List.splitAt room waiting
        let running = still @ [ for cell in next -> start sweep cell ]

        display.Show(
            {
                Ended = sweep.Cells.Length - waiting.Length - running.Length
                Failed = ended |> Map.filter (fun _ code -> code <> 0) |> Map.count
                Waiting = waiting.Length
                All = sweep.Cells.Length
            },
            running |> List.map _.Cell
        )

        if running.IsEmpty && (stop || waiting.IsEmpty) then
            ended
        else
            Thread.Sleep 100
            go waiting running ended stop

    let ended = go todo [] Map.empty false

    [
        for outcome in Sweep.look sweep do
            match outcome.State, Map.tryFind outcome.Cell.Index ended with
            | (Missing | Stopped), Some code when not cancellation.IsCancellationRequested ->
                let words =
                    Sweep.lastWords sweep outcome.Cell
                    |> Option.defaultValue $"its process ended with exit code {code}."

                { outcome with State = Failed; Fault = Some words }
            | _ -> outcome
    ]
