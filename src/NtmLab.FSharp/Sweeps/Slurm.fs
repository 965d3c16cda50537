/// Slurm's own commands: sbatch, squeue and scancel.
[<RequireQualifiedAccess>]
module NtmLab.Sweeps.Slurm

open System
open System.ComponentModel
open System.Diagnostics
open NtmLab

/// A task of an array job: its index and its state in Slurm's words.
type SlurmTask = { Index: int; State: string; Reason: string }

/// Slurm itself gives up sooner.
let private patience = TimeSpan.FromMinutes 2.0

/// Runs a command; gives its output, or the first line of what it complains of.
let private call (program: string) (arguments: string list) : Result<string, string> =
    try
        let info =
            ProcessStartInfo(
                program,
                arguments,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        use running = nonNull (Process.Start info)
        let output, errors = running.StandardOutput.ReadToEndAsync(), running.StandardError.ReadToEndAsync()

        if not (running.WaitForExit patience) then
            running.Kill true
            Error $"it did not answer within {patience.TotalMinutes} minutes"
        elif running.ExitCode = 0 then
            Ok output.Result
        else
            let lines = errors.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            let line = Array.tryHead lines |> Option.defaultValue $"exit code {running.ExitCode}"
            Error(line.Trim().TrimEnd '.')
    with :? Win32Exception ->
        Error "it is not on the PATH of this machine"

/// Submits a job script; gives the job's number.
let submit (jobScript: string) : string =
    match call "sbatch" [ "--parsable"; jobScript ] with
    | Ok output -> output.Trim().Split(';')[0]
    | Error why ->
        raise (
            ClusterException
                $"sbatch {jobScript}: {why}; nothing was submitted, and the runs that are there are as they were."
        )

let private task (line: string) : SlurmTask option =
    match line.Split '|' with
    | [| id; state; reason |] ->
        match Int32.TryParse(id[id.LastIndexOf '_' + 1 ..]) with
        | true, index -> Some { Index = index; State = state.Trim(); Reason = reason.Trim() }
        | _ -> None
    | _ -> None

/// The tasks of a job that Slurm still knows, ended ones included; none of a job that it has forgotten.
let tasks (job: string) : Result<SlurmTask list, string> =
    match call "squeue" [ "--array"; "--noheader"; "--states=all"; "--format=%i|%T|%r"; $"--jobs={job}" ] with
    | Ok output ->
        Ok(
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            |> Array.toList
            |> List.choose task
        )
    | Error why when why.Contains "Invalid job id" -> Ok []
    | Error why -> Error why

let private ended =
    set [
        "BOOT_FAIL"
        "CANCELLED"
        "COMPLETED"
        "DEADLINE"
        "FAILED"
        "NODE_FAIL"
        "OUT_OF_MEMORY"
        "PREEMPTED"
        "REVOKED"
        "TIMEOUT"
    ]

/// Whether a task waits or runs.
let isLive (task: SlurmTask) : bool = not (ended.Contains task.State)

/// Cancels a job.
let cancel (job: string) : unit =
    match call "scancel" [ job ] with
    | Ok _ -> ()
    | Error why when why.Contains "Invalid job id" -> ()
    | Error why -> raise (ClusterException $"scancel {job}: {why}; the job goes on as it was.")
