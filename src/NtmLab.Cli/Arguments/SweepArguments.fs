namespace NtmLab.Cli

open Argu

/// What carries out a sweep.
type Launcher =
    | Local
    | Slurm

[<AutoOpen>]
module internal SlurmTexts =

    let optionOfSbatch =
        "an option of sbatch, e.g. partition=short, time=01:00:00, mem=4G, cpus-per-task=2, or modules=NAME,NAME to load; may be repeated."

    let detached = "with Slurm: submit and end; the same command without it follows."

/// Options of `ntmlab sweep`.
type SweepArgument =
    | [<MainCommand; Unique>] Script of path: string
    | [<Unique>] Seeds of numbers: string
    | [<AltCommandLine("-s")>] Set of path_values: string
    | [<Unique>] Random of points: int
    | [<Unique>] Sweep_Seed of number: uint64
    | [<Unique>] Launcher of Launcher
    | [<Unique>] Jobs of number: int
    | [<Unique>] Threads of number: int
    | Slurm of key_value: string
    | Retry_Failed
    | Dry_Run
    | Detach
    | Cancel
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Script _ -> "the F# script that describes the experiment."
            | Seeds _ -> "the seeds of every point, e.g. 1..5 or 1,4,9 (default: the script's own)."
            | Set _ ->
                "the values of an option, e.g. model.slots=64,128; a value that is a list stands in brackets, e.g. evaluation.lengths=[3,5]; with --random also a range: uniform(0,1), log(1e-4,1e-2), whole(1,9), whole-log(16,512); may be repeated."
            | Random _ -> "draw so many points instead of taking all combinations."
            | Sweep_Seed _ -> "the seed that decides which points are drawn (default: 1)."
            | Launcher _ ->
                "where the runs are made: in processes of this machine, or as a job of a Slurm cluster (default: local)."
            | Jobs _ -> "runs at a time (default: cores divided by threads; of Slurm as many as it lets)."
            | Threads _ ->
                "threads of each run (default: cores divided by runs at a time; on Slurm the configuration's)."
            | Slurm _ -> optionOfSbatch
            | Retry_Failed -> "go on with runs that failed, too."
            | Dry_Run -> "show the runs and how they stand; start none."
            | Detach -> detached
            | Cancel -> "cancel the sweep's jobs on Slurm; give the command as it was otherwise."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."
