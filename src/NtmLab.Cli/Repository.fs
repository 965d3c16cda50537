/// The checkout that this command was built from, and the tools it calls there.
module NtmLab.Cli.Repository

open System
open System.Diagnostics
open System.IO
open System.Reflection
open NtmLab.Configuration
open NtmLab

let rec private above (directory: string) : string option =
    if File.Exists(Path.Combine(directory, "NtmLab.sln")) then
        Some directory
    else
        Path.GetDirectoryName directory |> Option.ofObj |> Option.bind above

/// The top folder of the checkout.
let root: Lazy<string> =
    lazy
        match above (AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)) with
        | Some directory -> directory
        | None ->
            raise (
                ConfigurationException
                    "this command needs a checkout of NtmLab; it was started outside of one."
            )

/// How this very program is started again.
let program: string list =
    let host = Environment.ProcessPath |> Option.ofObj |> Option.defaultValue "dotnet"

    if Path.GetFileNameWithoutExtension host = "dotnet" then
        [ host; Assembly.GetExecutingAssembly().Location ]
    else
        [ host ]

let private start (arguments: string list) : Process =
    let start =
        ProcessStartInfo("dotnet", arguments, WorkingDirectory = root.Value, UseShellExecute = false)

    match Process.Start start with
    | null -> raise (ConfigurationException "dotnet: cannot be started.")
    | running -> running

/// Runs `dotnet` several times at once in the checkout with this process's own input and outputs; gives the greatest exit code.
let dotnetSideBySide (arguments: string list list) : int =
    let all = arguments |> List.map start

    all
    |> List.map (fun running ->
        use running = running
        running.WaitForExit()
        running.ExitCode)
    |> List.max

/// Runs `dotnet` in the checkout with this process's own input and outputs; gives its exit code.
let dotnet (arguments: string list) : int = dotnetSideBySide [ arguments ]

/// Runs `dotnet` in a folder of the checkout; what it says goes into a file. Gives its exit code.
let dotnetQuietly (folder: string) (log: string) (arguments: string list) : int =
    let start =
        ProcessStartInfo(
            "dotnet",
            arguments,
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false
        )

    // A server of MSBuild would outlive the command.
    start.Environment["MSBUILDDISABLENODEREUSE"] <- "1"

    match Process.Start start |> Option.ofObj with
    | None -> raise (ConfigurationException "dotnet: cannot be started.")
    | Some running ->
        use running = running
        running.StandardInput.Close()
        let output, errors = running.StandardOutput.ReadToEndAsync(), running.StandardError.ReadToEndAsync()
        running.WaitForExit()
        File.WriteAllText(log, output.Result + errors.Result)
        running.ExitCode

/// Builds a project quietly; errors show.
let build (project: string) : int =
    dotnet [
        "build"
        project
        "--configuration"
        "Release"
        "--nologo"
        "--verbosity"
        "quiet"
        "-consoleLoggerParameters:NoSummary"
    ]
