/// The dashboard's page in a real browser.
module NtmLab.Tests.Dashboard.PageTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open Expecto
open NtmLab.Runs
open NtmLab.Tests
open NtmLab.Tests.Cli
open NtmLab.Tests.Runs

/// Where playwright-core and Chromium are.
let private browser: Lazy<Result<string list, string>> =
    lazy
        let folder = Directory.CreateTempSubdirectory("ntmlab-browser-").FullName

        Services.start "browser" folder []
        |> Result.map (fun () -> List.ofArray (File.ReadAllLines(Path.Combine(folder, "paths"))))

/// Plays a scene of page.mjs.
let private play (scene: string) (address: string) (argument: string) : unit =
    let script = Path.Combine(Scratch.repository.Value, "tests", "NtmLab.Tests", "Dashboard", "page.mjs")

    let arguments = script :: Services.require browser @ [ address; scene; argument ]
    let info = ProcessStartInfo("node", arguments, RedirectStandardError = true)
    use started = nonNull (Process.Start info)
    let errors = started.StandardError.ReadToEnd()
    started.WaitForExit()
    Expect.equal started.ExitCode 0 errors

/// A run of a real training, with all that it leaves behind.
let private trained (runs: string) : string =
    let outcome = CommandLine.run (CommandLine.copying 80 runs)
    Expect.equal outcome.Code 0 outcome.Errors
    nonNull (Path.GetFileName(CommandLine.firstRun runs))

let tests =
    testSequenced
    <| testList "the page" [
        test "runs are filtered, ordered, chosen and compared by the keyboard alone" {
            Services.require browser |> ignore

            Served.three (fun runs address ->
                use run = KeptRun.create runs 4
                play "table" address "")
        }

        test "a training that goes on is seen to go on, and to end" {
            Services.require browser |> ignore

            CommandLine.within (fun runs ->
                use running = CommandLine.start (CommandLine.copying 8_000 runs)
                let deadline = Stopwatch.StartNew()

                let hasMetrics () =
                    Directory.Exists runs
                    && Directory.GetDirectories(runs, "copy*")
                       |> Array.exists (fun run ->
                           RunFolder.IsRun run && File.Exists(RunFolder.MetricsOf run))

                while not (hasMetrics ()) && deadline.Elapsed.TotalSeconds < 60.0 do
                    Thread.Sleep 20

                Served.over runs (fun address ->
                    play "live" address (nonNull (Path.GetFileName(CommandLine.firstRun runs))))

                let outcome = CommandLine.finish running
                Expect.equal outcome.Code 0 outcome.Errors)
        }

        test "heads and memory are gone through step by step, and everything fits a phone" {
            Services.require browser |> ignore

            CommandLine.within (fun runs ->
                let run = trained runs
                let other = Served.finished runs 2

                Served.over runs (fun address ->
                    play "heads" address run
                    play "phone" address $"{run},{other}"
                    play "nobody" address ""))
        }
    ]
