module NtmLab.Tests.Cli.PlainScriptTests

open System.Diagnostics
open System.IO
open Expecto
open NtmLab.Tests.Cli.CommandLine

let tests =
    testList "plain scripts" [
        test "a script is plain F#: 'dotnet fsi' trains, draws and keeps its run" {
            within (fun runs ->
                let info =
                    ProcessStartInfo(
                        "dotnet",
                        "fsi" :: List.tail (copying 80 runs),
                        WorkingDirectory = root,
                        RedirectStandardOutput = true,
                        RedirectStandardError = true
                    )

                use started = nonNull (Process.Start info)
                let outcome = finish started
                Expect.equal outcome.Code 0 outcome.Errors
                let picture = Path.Combine(firstRun runs, "pictures", "learning-curve.png")
                Expect.isTrue (File.Exists picture) "its picture"
                Expect.isTrue (File.Exists(Path.Combine(runs, "ntmlab.db"))) "its store")
        }
    ]
