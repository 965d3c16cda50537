/// `ntmlab sweep` with real runs: here, and on a cluster of this machine.
module NtmLab.Tests.Cli.SweepCommandTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json
open System.Threading
open Expecto
open NtmLab
open NtmLab.Runs
open NtmLab.Tests.Cli.CommandLine

let private sweeping (runs: string) (arguments: string list) : string list =
    [ "sweep"; copy; "--runs"; runs; "--json" ]
    @ [
        for change in [ "evaluation.lengths=[3,5]"; "evaluation.sequences=4"; "task.maxLength=6" ] do
            "--set"
            change
    ]
    @ arguments

let private cells (outcome: Outcome) : JsonElement list =
    use document = JsonDocument.Parse outcome.Output
    [ for cell in document.RootElement.GetProperty("runs").EnumerateArray() -> cell.Clone() ]

let private states (outcome: Outcome) : string list = [
    for cell in cells outcome -> nonNull (cell.GetProperty("state").GetString())
]

/// The folders of runs, by name.
let private folders (runs: string) : string list =
    [ for struct (_, record) in RunFolder.List runs -> record.Id ] |> List.sort

let private updated (runs: string) : DateTimeOffset list =
    [ for struct (_, record) in RunFolder.List runs -> record.Updated ] |> List.sort

let private until (what: string) (isSo: unit -> bool) : unit =
    Expect.isTrue
        (SpinWait.SpinUntil(
            (fun () ->
                Thread.Sleep 50
                isSo ()),
            TimeSpan.FromSeconds 60.0
        ))
        what

/// Marks the run of a seed as failed, as one whose disk was full.
let private fail (runs: string) : unit =
    for struct (directory, record) in RunFolder.List runs do
        if record.Seed = 1UL then
            use folder = RunFolder.Open(directory, TimeProvider.System)
            folder.Update _.WithFault("It broke.")

let private local =
    testList "here" [
        testCase "a sweep runs what is missing, leaves what failed, and tries it again when asked" (fun () ->
            within (fun runs ->
                let short = sweeping runs [ "--seeds"; "1..2"; "--set"; "training.sequences=64" ]
                let dry = run (short @ [ "--dry-run" ])

                Expect.equal
                    (dry.Code, states dry, folders runs)
                    (0, [ "missing"; "missing" ], [])
                    dry.Errors

                let first = run short
                Expect.equal (first.Code, states first) (0, [ "finished"; "finished" ]) first.Errors
                Expect.equal (folders runs) [ "copy-seed1-001"; "copy-seed2-001" ] "both"
                let before = updated runs
                let second = run (short @ [ "--jobs"; "1" ])
                Expect.equal (second.Code, updated runs) (0, before) "a second launch starts none"
                fail runs
                let failed = run short
                Expect.equal (failed.Code, states failed) (1, [ "failed"; "finished" ]) failed.Errors
                let again = run (short @ [ "--retry-failed" ])
                Expect.equal (again.Code, states again) (0, [ "finished"; "finished" ]) again.Errors
                Expect.equal (folders runs).Length 2 "in the same folders"))

        testCase "a stopped sweep saves its runs and goes on with them; a wrong one starts nothing" (fun () ->
            within (fun runs ->
                let wrong = run (sweeping runs [ "--set"; "model.slot=3,4" ])
                Expect.equal (wrong.Code, wrong.Output, folders runs) (2, "", []) "refused"
                Expect.stringContains wrong.Errors "did you mean 'model.slots'?" "the sentence of --set"
                let long = sweeping runs [ "--seeds"; "1"; "--set"; "training.sequences=20000" ]
                use running = start long

                until "the run trains" (fun () ->
                    Directory.Exists runs
                    && Directory.GetFiles(runs, "metrics.jsonl", SearchOption.AllDirectories)
                       |> Array.exists (fun file -> FileInfo(file).Length > 0L))

                use kill = Process.Start("kill", [ "-INT"; string running.Id ])
                kill.WaitForExit()
                let stopped = finish running
                Expect.equal (stopped.Code, states stopped) (1, [ "stopped" ]) stopped.Errors
                let struct (_, record) = (RunFolder.List runs)[0]
                Expect.equal record.Status RunStatus.Interrupted "it saved itself"
                let whole = run long
                Expect.equal (whole.Code, states whole) (0, [ "finished" ]) whole.Errors
                Expect.equal (folders runs) [ "copy-seed1-001" ] "the same run"))

        testCase "without Slurm the sentence says what was tried" (fun () ->
            within (fun runs ->
                let dotnet = nonNull (Path.GetDirectoryName(nonNull Environment.ProcessPath))
                let outcome = runWith [ "PATH", dotnet ] (sweeping runs [ "--launcher"; "slurm" ])
                Expect.equal (outcome.Code, outcome.Output) (1, "") "it fails"
                Expect.stringContains outcome.Errors "sbatch" "the command"
                Expect.stringContains outcome.Errors "nothing was submitted" "what is lost"))
    ]

let private slurm =
    testCase
        "eight runs on Slurm are found; a second launch starts none; what was cancelled is submitted again"
        (fun () ->
            let cluster = SlurmCluster.environment ()

            within (fun runs ->
                let onSlurm (arguments: string list) =
                    runWith
                        cluster
                        (sweeping runs ([ "--launcher"; "slurm"; "--slurm"; "time=10" ] @ arguments))

                let short = [
                    "--seeds"
                    "1..4"
                    "--set"
                    "model.slots=8,16"
                    "--set"
                    "training.sequences=64"
                ]

                let first = onSlurm short
                Expect.equal (first.Code, states first) (0, List.replicate 8 "finished") first.Errors
                Expect.equal (folders runs).Length 8 "all in the folder of runs"
                let scripts () = Directory.GetFiles(runs, "job-*.sh", SearchOption.AllDirectories)
                Expect.equal (scripts ()).Length 1 "the job script is kept"
                let before = updated runs
                let second = onSlurm short

                Expect.equal
                    (second.Code, updated runs, (scripts ()).Length)
                    (0, before, 1)
                    "none is started"

                let long = [ "--seeds"; "9"; "--set"; "training.sequences=20000" ]
                let detached = onSlurm ("--detach" :: long)
                Expect.equal detached.Code 0 detached.Errors
                Expect.contains [ [ "waiting" ]; [ "running" ] ] (states detached) "in the queue"

                until "the run trains" (fun () ->
                    RunFolder.List runs |> Seq.exists (fun struct (_, record) -> record.Seed = 9UL))

                let cancelled = onSlurm ("--cancel" :: long)
                Expect.equal cancelled.Code 0 cancelled.Errors

                until "the run is let go" (fun () ->
                    RunFolder.List runs
                    |> Seq.exists (fun struct (directory, record) ->
                        record.Seed = 9UL && not (RunFolder.IsHeld directory)))

                let again = onSlurm long
                Expect.equal (again.Code, states again) (0, [ "finished" ]) again.Errors
                Expect.equal (folders runs).Length 9 "the same run went on"))

let tests = testSequenced <| testList "ntmlab, sweep" [ local; slurm ]
