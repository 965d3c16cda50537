/// Makes the runs of a sweep as an array job of a Slurm cluster that shares the folder of runs.
[<RequireQualifiedAccess>]
module NtmLab.Sweeps.SlurmLauncher

open System
open System.IO
open System.Text
open System.Threading
open NtmLab

/// How often the cluster is asked; its controller serves many.
let private pause = TimeSpan.FromSeconds 3.0

/// How often in a row it may give no answer.
let private attempts = 60

/// The tasks of the sweep that Slurm still knows, with their jobs; a cell's last task speaks for it.
let private known (sweep: Sweep) : Result<Map<int, Slurm.SlurmTask>, string> =
    let add (found: Result<Map<int, Slurm.SlurmTask>, string>) (submission: Submission) =
        match found, Slurm.tasks submission.Job with
        | Ok found, Ok tasks ->
            Ok((found, tasks) ||> List.fold (fun found task -> Map.add task.Index task found))
        | Error why, _
        | _, Error why -> Error why

    Sweep.submissions sweep |> List.fold add (Ok Map.empty)

/// The same, where no answer is a fault.
let private ask (sweep: Sweep) : Map<int, Slurm.SlurmTask> =
    match known sweep with
    | Ok tasks -> tasks
    | Error why ->
        raise (
            ClusterException
                $"squeue: {why}; nothing was submitted, and the runs that are there are as they were."
        )

/// Hands over what is missing and not in the queue already; gives how many cells that are.
let submit (sweep: Sweep) (options: (string * string) list) (display: SweepDisplay) : int =
    Sweep.prepare sweep
    let queued = ask sweep |> Map.filter (fun _ task -> Slurm.isLive task)

    let todo = [
        for outcome in Sweep.look sweep do
            if Sweep.isOpen sweep outcome && not (queued.ContainsKey outcome.Cell.Index) then
                outcome.Cell
    ]

    if not todo.IsEmpty then
        let number = (Sweep.submissions sweep).Length + 1
        let file = Path.Combine(Sweep.directory sweep, $"job-{number}.sh")
        let text = SlurmJob.script sweep options Environment.CurrentDirectory todo
        AtomicFile.Write(file, fun stream -> stream.Write(ReadOnlySpan(Encoding.UTF8.GetBytes text)))
        let job = Slurm.submit file
        Sweep.note sweep { Job = job; Cells = [ for cell in todo -> cell.Index ] }
        display.Say $"submitted {todo.Length} runs as job {job}: {file}"

    todo.Length

/// How every cell stands, by its run and by what Slurm says of its task.
let private outcomes (sweep: Sweep) (tasks: Map<int, Slurm.SlurmTask>) : CellOutcome list =
    let submitted = Sweep.submissions sweep |> List.collect _.Cells |> set

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
let look (sweep: Sweep) : CellOutcome list = outcomes sweep (ask sweep)

/// Waits until no task of the sweep waits or runs. Cancellation ends the waiting, not the jobs.
let follow (sweep: Sweep) (display: SweepDisplay) (cancellation: CancellationToken) : CellOutcome list =
    let rec go (silent: int) =
        match known sweep with
        | Error why when silent >= attempts ->
            raise (
                ClusterException $"squeue: {why}; the jobs go on, and the same command follows them again."
            )
        | Error why ->
            if silent = 0 then
                display.Say $"squeue: {why}; asking again"

            cancellation.WaitHandle.WaitOne pause |> ignore

            if cancellation.IsCancellationRequested then
                Map.empty
            else
                go (silent + 1)
        | Ok tasks ->
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

            if waiting.IsEmpty && running.IsEmpty then
                tasks
            elif cancellation.WaitHandle.WaitOne pause then
                display.Say
                    "the jobs go on; the same command follows them again, and with --cancel cancels them"

                tasks
            else
                go 0

    outcomes sweep (go 0)

/// Cancels every job of the sweep that waits or runs; gives how many tasks those were.
let cancel (sweep: Sweep) : int =
    let live = ask sweep |> Map.filter (fun _ task -> Slurm.isLive task) |> Map.count

    if live > 0 then
        for submission in Sweep.submissions sweep do
            Slurm.cancel submission.Job

    live
