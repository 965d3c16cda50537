/// Runs the built command as a user would: in a process of its own.
module NtmLab.Tests.Cli.CommandLine

open System.Diagnostics
open System.IO
open NtmLab.Tests

/// The top folder of the checkout.
let root: string = Scratch.repository.Value

/// What a finished process left.
type Outcome = { Code: int; Output: string; Errors: string }

/// Starts the command with variables of the environment.
let startWith (environment: (string * string) list) (arguments: string list) : Process =
    let program = Path.Combine(root, "artifacts", "bin", "NtmLab.Cli", "release", "ntmlab.dll")

    let info =
        ProcessStartInfo(
            "dotnet",
            program :: arguments,
            WorkingDirectory = root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false
        )

    for name, value in environment do
        info.Environment[name] <- value

    match Process.Start info with
    | null -> failwith "dotnet cannot be started"
    | started -> started

/// Starts the command.
let start: string list -> Process = startWith []

/// Waits for a started command.
let finish (running: Process) : Outcome =
    let output = running.StandardOutput.ReadToEndAsync()
    let errors = running.StandardError.ReadToEndAsync()

    if not (running.WaitForExit 120_000) then
        running.Kill true
        failwith "the command did not end within two minutes"

    { Code = running.ExitCode; Output = output.Result; Errors = errors.Result }

/// Runs the command to its end with variables of the environment.
let runWith (environment: (string * string) list) (arguments: string list) : Outcome =
    use running = startWith environment arguments
    finish running

/// Runs the command to its end.
let run: string list -> Outcome = runWith []

/// The script of the copy task.
let copy: string = "experiments/copy.fsx"

/// A folder for a test, gone with it.
let within (test: string -> unit) : unit =
    use folder = new Scratch.Folder()
    test folder.Path

/// A copy experiment of so many sequences.
let copying (sequences: int) (runs: string) : string list = [
    "run"
    copy
    "--runs"
    runs
    for change in
        [
            $"training.sequences={sequences}"
            "training.evaluateEvery=200"
            "training.checkpointEvery=40"
            "evaluation.lengths=3,5"
            "evaluation.sequences=4"
            "model.slots=16"
            "task.maxLength=6"
        ] do
        "--set"
        change
]

/// One of a few seconds.
let small: string -> string list = copying 600

/// The first run in a folder of runs.
let firstRun (runs: string) : string = Directory.GetDirectories runs |> Array.sort |> Array.head
