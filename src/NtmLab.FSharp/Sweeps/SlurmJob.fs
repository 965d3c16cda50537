namespace NtmLab.Sweeps

open System
open System.Text.RegularExpressions
open NtmLab.Runs.Store
open NtmLab

/// An array job of a Slurm cluster.
type SlurmJob = {
    Name: string
    /// What it is, in a sentence for whoever reads its script.
    About: string
    /// Where its script, its log and the note of its number are kept.
    Folder: string
    /// Cores of each task.
    Cores: int
    /// Tasks at a time; none for as many as there is room for.
    AtATime: int option
    /// The command of each task, by its index.
    Tasks: (int * string list) list
}

/// The script of an array job.
[<RequireQualifiedAccess>]
module SlurmJob =

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
            raise (ConfigurationException $"--slurm {text}: '{key}' is set by the job itself.")

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

    /// The script's text.
    let script (options: (string * string) list) (workingDirectory: string) (job: SlurmJob) : string =
        let limit =
            job.AtATime
            |> Option.map (fun number -> $"%%{number}")
            |> Option.defaultValue ""

        let given (key: string) = options |> List.exists (fun (name, _) -> name = key)

        [
            "#!/bin/bash"
            $"# {job.About}"
            $"#SBATCH --array={ranges (List.map fst job.Tasks)}{limit}"
            $"#SBATCH --output={job.Folder}/logs/%%a.log"
            $"#SBATCH --chdir={workingDirectory}"
            "#SBATCH --open-mode=append"
            "# A minute before its time is over, a run saves itself."
            "#SBATCH --signal=B:TERM@60"
            if not (given "job-name") then
                $"#SBATCH --job-name={job.Name}"
            if not (given "cpus-per-task") then
                $"#SBATCH --cpus-per-task={job.Cores}"
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
            for index, command in job.Tasks do
                let words = command |> List.map quote |> String.concat " "
                $"{index}) exec {words} ;;"
            "esac"
            ""
        ]
        |> String.concat "\n"
