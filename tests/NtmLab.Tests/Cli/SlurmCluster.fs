/// A Slurm cluster of this one machine, from the project's own script.
module NtmLab.Tests.Cli.SlurmCluster

open System
open System.Diagnostics
open System.IO
open Expecto
open NtmLab.Tests
open NtmLab.Tests.Cli.CommandLine

let private service (verb: string) (folder: string) : int * string =
    let info =
        ProcessStartInfo(
            "bash",
            [ Path.Combine(root, "tests", "services", "slurm"); verb; folder ],
            UseShellExecute = false,
            RedirectStandardError = true
        )

    use running = nonNull (Process.Start info)
    let errors = running.StandardError.ReadToEnd()
    running.WaitForExit()
    running.ExitCode, errors.Trim()

/// Runs a test with a cluster at hand; skips it, loudly, where Slurm cannot be installed.
let using (test: unit -> unit) : unit =
    use folder = new Scratch.Folder()
    let before = Environment.GetEnvironmentVariable "SLURM_CONF"

    let skip (why: string) =
        eprintfn "SKIPPED: the tests of Slurm: %s" why
        skiptest why

    if not (OperatingSystem.IsLinux()) then
        skip "this system is not Linux"

    match service "start" folder.Path with
    | 0, _ ->
        try
            Environment.SetEnvironmentVariable("SLURM_CONF", folder.File "slurm.conf")
            test ()
        finally
            Environment.SetEnvironmentVariable("SLURM_CONF", before)
            service "stop" folder.Path |> ignore
    | 3, why -> skip why
    | code, why -> failtest $"the cluster does not start ({code}): {why}"
