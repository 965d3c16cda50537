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

/// Waits for the first checkpoint of the first run in a folder of runs.
let private waitForCheckpoint (runs: string) : unit =
    let deadline = Stopwatch.StartNew()

    let hasCheckpoint () =
        Directory.Exists runs
        && Directory.GetFiles(runs, "last.ckpt", SearchOption.AllDirectories).Length > 0

    while not (hasCheckpoint ()) && deadline.Elapsed.TotalSeconds < 60.0 do
        Threading.Thread.Sleep 5

/// Makes a finished run one that was stopped.
let private interrupt (run: string) : unit =
    let record = Path.Combine(run, "run.json")
    File.WriteAllText(record, (File.ReadAllText record).Replace("\"finished\"", "\"interrupted\""))

/// Leaves 1000 bytes of a run's checkpoint; gives its file.
let private tear (run: string) (name: string) : string =
    let checkpoint = Path.Combine(run, "checkpoints", $"{name}.ckpt")
    File.WriteAllBytes(checkpoint, (File.ReadAllBytes checkpoint)[..999])
    checkpoint

let private succeeds (program: string) (arguments: string list) : bool =
    try
        use started = Process.Start(program, arguments)
        started.WaitForExit()
        started.ExitCode = 0
    with :? ComponentModel.Win32Exception ->
        false

/// Puts a disk of 8 MiB at a folder, where that is allowed.
let private mount (folder: string) : bool =
    OperatingSystem.IsLinux()
    && Environment.IsPrivilegedProcess
    && succeeds "mount" [ "-t"; "tmpfs"; "-o"; "size=8m"; "tmpfs"; folder ]

let private unmount (folder: string) : unit = succeeds "umount" [ "--lazy"; folder ] |> ignore

/// Writes a file until the disk is full.
let private fill (path: string) : unit =
    try
        use stream = new FileStream(path, FileMode.Create)

        while true do
            stream.Write(Array.zeroCreate<byte> 4096)
            stream.Flush()
    with :? IOException ->
        ()

/// Stops a run on its way, in the given manner, resumes it, and compares it with one that was never stopped.
let private resumesAfter (stop: Process -> unit) : unit =
    within (fun folder ->
        let whole, cut = Path.Combine(folder, "whole"), Path.Combine(folder, "cut")
        Expect.equal (run (small whole)).Code 0 "the uninterrupted run"
        use running = start (small cut)
        waitForCheckpoint cut
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
        testCase
            "a run whose last checkpoint is torn goes on from the one before it, as if it had never been"
            (fun () ->
                within (fun folder ->
                    let whole, torn = Path.Combine(folder, "whole"), Path.Combine(folder, "torn")

                    for runs in [ whole; torn ] do
                        Expect.equal (run (small runs)).Code 0 "the run"

                    interrupt (firstRun torn)
                    let checkpoint = tear (firstRun torn) "last"
                    let outcome = run [ "resume"; firstRun torn ]
                    Expect.equal outcome.Code 0 outcome.Errors
                    Expect.stringContains outcome.Errors checkpoint "which checkpoint"
                    Expect.stringContains outcome.Errors "after 560 sequences" "from where it goes on"
                    expectSame (firstRun torn) (firstRun whole)))
        testCase "a run without a whole checkpoint is refused and left as it is" (fun () ->
            within (fun folder ->
                Expect.equal (run (small folder)).Code 0 "the run"
                interrupt (firstRun folder)
                let checkpoints = [ for name in [ "last"; "previous" ] -> tear (firstRun folder) name ]
                let outcome = run [ "resume"; firstRun folder ]
                Expect.equal outcome.Code 1 "exit code"
                Expect.stringContains outcome.Errors "truncated" "sentence"

                for checkpoint in checkpoints do
                    Expect.equal (FileInfo checkpoint).Length 1000L "the file"))
        testCase
            "a run whose disk is full stops with a sentence, and goes on when there is room as if it had not"
            (fun () ->
                within (fun folder ->
                    let whole, cut = Path.Combine(folder, "whole"), Path.Combine(folder, "cut")
                    Directory.CreateDirectory cut |> ignore

                    if not (mount cut) then
                        eprintfn "A TEST IS SKIPPED: a small disk cannot be mounted here; root can."
                        skiptest "a small disk cannot be mounted here"

                    try
                        Expect.equal (run (copying 6000 whole)).Code 0 "the uninterrupted run"
                        use running = start (copying 6000 cut)
                        waitForCheckpoint cut
                        let filler = Path.Combine(cut, "filler")
                        fill filler
                        let outcome = finish running
                        Expect.equal outcome.Code 1 "it stops"
                        Expect.stringContains outcome.Errors "No space left" "what is wrong"
                        Expect.stringContains outcome.Errors "ntmlab resume" "how it goes on"
                        File.Delete filler
                        let outcome = run [ "resume"; firstRun cut ]
                        Expect.equal outcome.Code 0 outcome.Errors
                        expectSame (firstRun cut) (firstRun whole)
                    finally
                        unmount cut))
    ]
