/// The job script of a sweep: an array job with one task a cell.
[<RequireQualifiedAccess>]
module NtmLab.Sweeps.SlurmJob

open System
open System.Text.RegularExpressions
open NtmLab.Runs.Store
open NtmLab

/// What the job script says itself.
let private own =
    set [ "array"; "output"; "error"; "parsable"; "wait"; "wrap"; "chdir"; "signal"; "open-mode" ]

/// Reads `key=value`: any long option of sbatch, or `modules` with the modules to load.
let parseOption (text: string) : string * string =
    let found = Regex.Match(text, @"^([a-z][a-z-]*)=([^\r\n]+)$")

    if not found.Success then
        raise (
            ConfigurationException
                $"--slurm {text}: key=value is wanted, e.g. partition=short or time=01:00:00."
        )

    let key = found.Groups[1].Value

    if own.Contains key then
        raise (ConfigurationException $"--slurm {text}: '{key}' is set by the sweep itself.")

    key, found.Groups[2].Value

/// Numbers as Slurm writes them: 0-3,7.
let internal ranges (indices: int list) : string =
    let add (runs: (int * int) list) (index: int) =
        match runs with
        | (first, last) :: rest when index = last + 1 -> (first, index) :: rest
        | _ -> (index, index) :: runs

    indices
    |> List.sort
    |> List.fold add []
    |> List.rev
    |> List.map (fun (first, last) -> if first = last then string first else $"{first}-{last}")
    |> String.concat ","

let internal quote (text: string) : string =
    if Regex.IsMatch(text, @"^[A-Za-z0-9_./=:,+-]+$") then
        text
    else
        "'" + text.Replace("'", "'\\''") + "'"

/// The script's text for some cells of a sweep.
let script
    (sweep: Sweep)
    (options: (string * string) list)
    (workingDirectory: string)
    (cells: SweepCell list)
    : string =
    let limit = sweep.Jobs |> Option.map (fun jobs -> $"%%{jobs}") |> Option.defaultValue ""
    let given (key: string) = options |> List.exists (fun (name, _) -> name = key)
    let commands (arguments: string list) = arguments |> List.map quote |> String.concat " "

    [
        "#!/bin/bash"
        $"# One task for each run of the sweep {Sweep.id sweep}; a task that is started again goes on with its run."
        $"#SBATCH --array={ranges [ for cell in cells -> cell.Index ]}{limit}"
        $"#SBATCH --output={Sweep.directory sweep}/logs/%%a.log"
        $"#SBATCH --chdir={workingDirectory}"
        "#SBATCH --open-mode=append"
        "# A minute before its time is over, a run saves itself."
        "#SBATCH --signal=B:TERM@60"
        if not (given "job-name") then
            $"#SBATCH --job-name={Sweep.id sweep}"
        if not (given "cpus-per-task") then
            $"#SBATCH --cpus-per-task={sweep.Threads}"
        for key, value in options do
            if key <> "modules" then
                $"#SBATCH --{key}={value}"
        for key, value in options do
            if key = "modules" then
                for name in value.Split([| ','; ' ' |], StringSplitOptions.RemoveEmptyEntries) do
                    $"module load {quote name}"
        "# Nodes cannot share a SQLite file: unless a database is named, runs are taken in when they are next listed."
        $"export {StoreAddress.Variable}=${{{StoreAddress.Variable}:-{StoreAddress.None}}}"
        "case $SLURM_ARRAY_TASK_ID in"
        for cell in cells do
            let arguments = SweepCell.arguments sweep.Script sweep.Runs sweep.Threads sweep.RetryFailed cell

            $"{cell.Index}) exec {commands (sweep.Program @ arguments)} ;;"
        "esac"
        ""
    ]
    |> String.concat "\n"
