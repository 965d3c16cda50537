/// Hands jobs to a Slurm cluster and follows them.
[<RequireQualifiedAccess>]
module NtmLab.Sweeps.SlurmQueue

open System
open System.IO
open System.Text
open System.Threading
open NtmLab

/// How often the cluster is asked; its controller serves many.
let private pause = TimeSpan.FromSeconds 3.0

/// How often in a row it may give no answer.
let private attempts = 60

/// The tasks of a folder's jobs that Slurm still knows; the last one of an index speaks for it.
let private known (folder: string) : Result<Map<int, Slurm.SlurmTask>, string> =
    let add (found: Result<Map<int, Slurm.SlurmTask>, string>) (submission: Submission) =
        match found, Slurm.tasks submission.Job with
        | Ok found, Ok tasks ->
            Ok((found, tasks) ||> List.fold (fun found task -> Map.add task.Index task found))
        | Error why, _
        | _, Error why -> Error why

    Submission.all folder |> List.fold add (Ok Map.empty)

/// The same, where no answer is a fault.
let tasks (folder: string) : Map<int, Slurm.SlurmTask> =
    match known folder with
    | Ok tasks -> tasks
    | Error why ->
        raise (
            ClusterException
                $"squeue: {why}; nothing was submitted, and the runs that are there are as they were."
        )

/// Hands over those tasks of a job that are not in the queue already; gives how many those are.
let submit (options: (string * string) list) (say: string -> unit) (job: SlurmJob) : int =
    let queued = tasks job.Folder |> Map.filter (fun _ task -> Slurm.isLive task)
    let todo = job.Tasks |> List.filter (fun (index, _) -> not (queued.ContainsKey index))

    if not todo.IsEmpty then
        let number = (Submission.all job.Folder).Length + 1
        let file = Path.Combine(job.Folder, $"job-{number}.sh")
        let text = SlurmJob.script options Environment.CurrentDirectory { job with Tasks = todo }
        AtomicFile.Write(file, fun stream -> stream.Write(ReadOnlySpan(Encoding.UTF8.GetBytes text)))
        let submitted = Slurm.submit file
        Submission.note job.Folder { Job = submitted; Cells = List.map fst todo }
        say $"submitted {todo.Length} tasks as job {submitted}: {file}"

    todo.Length

/// Waits until no task of a folder's jobs waits or runs, and shows them meanwhile. Cancellation ends the waiting, not the jobs. Gives
/// the tasks as they were last; none if that was never known.
let follow
    (folder: string)
    (say: string -> unit)
    (show: Map<int, Slurm.SlurmTask> -> unit)
    (cancellation: CancellationToken)
    : Map<int, Slurm.SlurmTask> =
    let rec go (silent: int) =
        match known folder with
        | Error why when silent >= attempts ->
            raise (
                ClusterException $"squeue: {why}; the jobs go on, and the same command follows them again."
            )
        | Error why ->
            if silent = 0 then
                say $"squeue: {why}; asking again"

            if cancellation.WaitHandle.WaitOne pause then
                Map.empty
            else
                go (silent + 1)
        | Ok tasks ->
            show tasks

            if not (tasks |> Map.exists (fun _ task -> Slurm.isLive task)) then
                tasks
            elif cancellation.WaitHandle.WaitOne pause then
                say "the jobs go on; the same command follows them again, and with --cancel cancels them"
                tasks
            else
                go 0

    go 0

/// Cancels every job of a folder that waits or runs; gives how many tasks those were.
let cancel (folder: string) : int =
    let live = tasks folder |> Map.filter (fun _ task -> Slurm.isLive task) |> Map.count

    if live > 0 then
        for submission in Submission.all folder do
            Slurm.cancel submission.Job

    live
