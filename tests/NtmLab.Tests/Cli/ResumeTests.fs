/// Runs that are stopped, killed or damaged, and what goes on with them.
module NtmLab.Tests.Cli.ResumeTests

open System
open System.Diagnostics
open System.IO
open Expecto
open NtmLab
open NtmLab.Tests.Cli.CommandLine

/// Metrics without the seconds, which no two runs share.
let private metrics (run: string) : string list =
    File.ReadAllLines(Path.Combine(run, "metrics.jsonl"))
    |> Array.map (fun line -> line[.. line.IndexOf ",\"seconds\"" - 1])
    |> Array.toList

/// What the checkpoint holds, but for its manifest, which counts seconds.
let private entries (run: string) : (string * byte[]) list =
    use archive = Compression.ZipFile.OpenRead(Path.Combine(run, "checkpoints", "last.ckpt"))

    [
        for entry in archive.Entries do
            if not (entry.FullName.StartsWith "manifest.") then
                use stream = entry.Open()
                use memory = new MemoryStream()
                stream.CopyTo memory
                entry.FullName, memory.ToArray()
    ]

/// Expects that a run ended as another one did.
let private expectSame (run: string) (whole: string) : unit =
    Expect.equal (metrics run) (metrics whole) "metrics"
    let evaluations run = File.ReadAllText(Path.Combine(run, "evaluations.jsonl"))
    Expect.equal (evaluations run) (evaluations whole) "evaluations"
    Expect.isTrue (entries run = entries whole) "parameters and optimiser"

/// Stops a run on its way, in the given manner, resumes it, and compares it with one that was never stopped.
let private resumesAfter (stop: Process -> unit) : unit =
    within (fun folder ->
        let whole, cut = Path.Combine(folder, "whole"), Path.Combine(folder, "cut")
        Expect.equal (run (small whole)).Code 0 "the uninterrupted run"
        use running = start (small cut)
        let deadline = Stopwatch.StartNew()

        let hasCheckpoint () =
            Directory.Exists cut
            && Directory.GetFiles(cut, "last.ckpt", SearchOption.AllDirectories).Length > 0

        while not (hasCheckpoint ()) && deadline.Elapsed.TotalSeconds < 60.0 do
            Threading.Thread.Sleep 5

        stop running
        Expect.notEqual (finish running).Code 0 "the stopped run"
        Expect.equal (run [ "resume"; firstRun cut ]).Code 0 "the resumed run"
        expectSame (firstRun cut) (firstRun whole))

/// Kills a run, and what goes on with it, at random moments: some before there is a run, some while it starts, trains, saves or draws.
/// Where it comes to its end before it was killed so often, another one is begun.
let private killedAtRandom (kills: int) : unit =
    within (fun folder ->
        let request = copying 6000
        let whole = Path.Combine(folder, "whole")
        Expect.equal (run (request whole)).Code 0 "the uninterrupted run"
        let random = RandomStream(1UL, "kills")
        let mutable left = kills

        while left > 0 do
            let runs = Path.Combine(folder, $"with {left} to go")

            // Goes on with what there is, or begins.
            let next () =
                let begun =
                    if Directory.Exists runs then
                        Directory.GetDirectories runs
                        |> Array.sort
                        |> Array.tryFind (fun run -> File.Exists(Path.Combine(run, "run.json")))
                    else
                        None

                begun
                |> Option.map (fun run -> [ "resume"; run ])
                |> Option.defaultValue (request runs)

            let mutable ended = false

            while not ended do
                use running = start (next ())

                if left > 0 && not (running.WaitForExit(random.Next(300, 2500))) then
                    running.Kill()
                    left <- left - 1
                    finish running |> ignore
                else
                    let outcome = finish running
                    Expect.equal outcome.Code 0 outcome.Errors
                    ended <- true

            let finished =
                Directory.GetDirectories runs
                |> Array.find (fun run -> File.Exists(Path.Combine(run, "checkpoints", "last.ckpt")))

            expectSame finished (firstRun whole))

let private terminate (running: Process) : unit =
    use signal = Process.Start("kill", [ "-TERM"; string running.Id ])
    signal.WaitForExit()

let tests =
    testSequenced
    <| testList "ntmlab, resume" [
        testCase "a run that is asked to stop goes on as if it had not been" (fun () ->
            if OperatingSystem.IsWindows() then
                skiptest "there are no signals here"

            resumesAfter terminate)
        testCase "a run that is killed goes on as if it had not been" (fun () ->
            resumesAfter (fun running -> running.Kill()))
        testCase "a run that is killed at twenty random moments ends as if it had never been" (fun () ->
            killedAtRandom 20)
        testCase "a truncated checkpoint is refused and left as it is" (fun () ->
            within (fun folder ->
                Expect.equal (run (small folder)).Code 0 "the run"
                let record = Path.Combine(firstRun folder, "run.json")

                File.WriteAllText(
                    record,
                    (File.ReadAllText record).Replace("\"finished\"", "\"interrupted\"")
                )

                let checkpoint = Path.Combine(firstRun folder, "checkpoints", "last.ckpt")
                File.WriteAllBytes(checkpoint, (File.ReadAllBytes checkpoint)[..999])
                let outcome = run [ "resume"; firstRun folder ]
                Expect.equal outcome.Code 1 "exit code"
                Expect.stringContains outcome.Errors "truncated" "sentence"
                Expect.equal (FileInfo checkpoint).Length 1000L "the file"))
    ]
