/// `ntmlab study`: makes the memory-length study, part by part.
module NtmLab.Cli.Studies

open System
open System.Diagnostics
open System.IO
open Argu
open NtmLab
open NtmLab.Configuration

/// The folder of findings that come along with the laboratory.
let archive (root: string) : string = Path.Combine(root, "paper", "results")

/// The session that a part's script is evaluated in.
let session
    (root: string)
    (runs: string)
    (budget: StudyBudget)
    (verbose: bool)
    (part: StudyParts.Part)
    : Session = {
    Session.ofProgram with
        Script = Path.Combine(root, "experiments", part.Script)
        Overrides = [ "compute.threads=1" ]
        Runs = runs
        Budget = budget
        Archive = Some(archive root)
        Verbose = verbose
}

/// Evaluates a part's script in this process.
let evaluate (session: Session) : unit =
    Session.start session

    try
        ScriptHost.evaluate [] session.Script
    with ScriptHost.CompilationFailed errors ->
        for error in errors do
            eprintfn "%s" error

        raise (ConfigurationException $"{session.Script}: does not compile; nothing of it was made.")

/// A further process at the same part; it shares the work through the folder of runs, and stops when this one ends.
let private companion (session: Session) (log: string) : Process =
    let info =
        ProcessStartInfo(
            List.head Repository.program,
            List.tail Repository.program
            @ [
                "run"
                session.Script
                "--budget"
                (string session.Budget).ToLowerInvariant()
                "--runs"
                session.Runs
                "--threads"
                "1"
                "--archive"
                Option.defaultValue "" session.Archive
                "--attached"
            ],
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    let writer = TextWriter.Synchronized(new StreamWriter(log, append = true, AutoFlush = true))
    let running = new Process(StartInfo = info)

    let keep (line: DataReceivedEventArgs) =
        match line.Data with
        | null -> ()
        | text -> writer.WriteLine text

    running.OutputDataReceived.Add keep
    running.ErrorDataReceived.Add keep
    running.Start() |> ignore
    running.BeginOutputReadLine()
    running.BeginErrorReadLine()
    running

let private stop (companion: Process) : unit =
    if not companion.HasExited then
        companion.StandardInput.Close()
        companion.WaitForExit()

    companion.Dispose()

/// Makes one part; gives what it used.
let private makePart (session: Session) (jobs: int) (part: StudyParts.Part) : Findings.Archive =
    eprintfn "== %s" part.Chapter
    let logs = Path.Combine(session.Runs, "logs")
    Directory.CreateDirectory logs |> ignore

    let companions = [
        for number in 2..jobs -> companion session (Path.Combine(logs, $"{part.Chapter}-{number}.log"))
    ]

    try
        Study.forget ()

        try
            evaluate session
        with :? RunException as fault when session.Work = Gather ->
            eprintfn "%s" fault.Message

        Study.used ()
    finally
        List.iter stop companions

let private chosen (names: string list) : StudyParts.Part list =
    let known = [ for part in StudyParts.all -> part.Chapter ]

    for name in names do
        if not (List.contains name known) then
            raise (
                ConfigurationException
                    $"--part: the study has no part '{name}'; {Suggestion.For(name, known)}"
            )

    StudyParts.all
    |> List.filter (fun part -> names.IsEmpty || List.contains part.Chapter names)

/// Puts findings into the archive, in place of those of the same keys and runs.
let private publish (folder: string) (all: bool) (used: Findings.Archive list) : unit =
    let before =
        if all then
            { Findings.Findings = []; Findings.Runs = [] }
        else
            Findings.read folder

    Findings.write folder {
        Findings = (used |> List.collect _.Findings) @ before.Findings |> List.distinctBy _.Key
        Runs = (used |> List.collect _.Runs) @ before.Runs |> List.distinctBy _.Id
    }

    printfn "kept in %s" folder

/// `ntmlab study`.
let run (arguments: ParseResults<StudyArgument>) : int =
    let root = Repository.root.Value
    let budget = arguments.GetResult(StudyArgument.Budget, StudyBudget.Quick)
    let runs = Path.GetFullPath(arguments.GetResult(StudyArgument.Runs, "runs"))
    let parts = chosen (arguments.GetResults Part)
    let jobs = arguments.GetResult(StudyArgument.Jobs, Environment.ProcessorCount)

    if jobs < 1 then
        raise (ConfigurationException $"--jobs {jobs}: is not allowed; 1 or more is.")

    let verbose = arguments.Contains StudyArgument.Verbose

    let used = [
        for part in parts ->
            let session = session root runs budget verbose part

            let session =
                if arguments.Contains StudyArgument.Gather then
                    { session with Work = Gather }
                else
                    session

            // The archive does not spare what is asked for anew.
            let session =
                if arguments.Contains Anew then
                    { session with Archive = None }
                else
                    session

            makePart session (if session.Work = Gather then 1 else jobs) part
    ]

    if arguments.Contains Publish then
        publish (archive root) (parts.Length = StudyParts.all.Length) used

    let name = (string budget).ToLowerInvariant()
    let report = Path.Combine(runs, "report", name)
    printfn $"tables and figures: {report}"
    printfn $"the paper: ntmlab paper --budget {name}"
    0
