/// Makes the runs of a sweep as an array job of a Slurm cluster that shares the folder of runs.
[<RequireQualifiedAccess>]
module NtmLab.Sweeps.SlurmLauncher

open System.Threading

/// Hands over what is missing and not in the queue already; gives how many cells that are.
let submit (sweep: Sweep) (options: (string * string) list) (display: SweepDisplay) : int =
    Sweep.prepare sweep

    SlurmQueue.submit options display.Say {
        Name = Sweep.id sweep
        About =
            $"One task for each run of the sweep {Sweep.id sweep}; a task that is started again goes on with its run."
        Folder = Sweep.directory sweep
        Cores = sweep.Threads
        AtATime = sweep.Jobs
        Tasks = [
            for outcome in Sweep.look sweep do
                if Sweep.isOpen sweep outcome then
                    let cell = outcome.Cell

                    cell.Index,
                    sweep.Program
                    @ SweepCell.arguments sweep.Script sweep.Runs sweep.Threads sweep.RetryFailed cell
        ]
    }

/// How every cell stands, by its run and by what Slurm says of its task.
let private outcomes (sweep: Sweep) (tasks: Map<int, Slurm.SlurmTask>) : CellOutcome list =
    let submitted = Submission.all (Sweep.directory sweep) |> List.collect _.Cells |> set

    [
        for outcome in Sweep.look sweep do
            match outcome.State, Map.tryFind outcome.Cell.Index tasks with
            | (Finished | Failed), _ -> outcome
            | _, Some task when task.State = "PENDING" -> { outcome with State = Waiting }
            | _, Some task when Slurm.isLive task -> { outcome with State = Running }
            | _, Some task when task.State = "CANCELLED" -> {
                outcome with
                    State = Stopped
                    Fault = Some "Slurm says CANCELLED."
              }
            | (Missing | Stopped), Some task ->
                let words =
                    Sweep.lastWords sweep outcome.Cell
                    |> Option.defaultValue $"Slurm says {task.State} ({task.Reason})."

                { outcome with State = Failed; Fault = Some words }
            | Missing, None when submitted.Contains outcome.Cell.Index -> {
                outcome with
                    Fault = Sweep.lastWords sweep outcome.Cell
              }
            | _ -> outcome
    ]

/// How every cell stands now.
let look (sweep: Sweep) : CellOutcome list = outcomes sweep (SlurmQueue.tasks (Sweep.directory sweep))

/// Waits until no task of the sweep waits or runs. Cancellation ends the waiting, not the jobs.
let follow (sweep: Sweep) (display: SweepDisplay) (cancellation: CancellationToken) : CellOutcome list =
    let show (tasks: Map<int, Slurm.SlurmTask>) =
        let having (state: string -> bool) = [
            for cell in sweep.Cells do
                match Map.tryFind cell.Index tasks with
                | Some task when Slurm.isLive task && state task.State -> cell
                | _ -> ()
        ]

        let waiting = having (fun state -> state = "PENDING")
        let running = having (fun state -> state <> "PENDING")

        let failed =
            tasks
            |> Map.filter (fun _ task -> not (Slurm.isLive task) && task.State <> "COMPLETED")
            |> Map.count

        display.Show(
            {
                Ended = sweep.Cells.Length - waiting.Length - running.Length
                Failed = failed
                Waiting = waiting.Length
                All = sweep.Cells.Length
            },
            running
        )

    SlurmQueue.follow (Sweep.directory sweep) display.Say show cancellation
    |> outcomes sweep

/// Cancels every job of the sweep that waits or runs; gives how many tasks those were.
let cancel (sweep: Sweep) : int = SlurmQueue.cancel (Sweep.directory sweep)
