/// `ntmlab study`: makes the memory-length study, part by part.
module NtmLab.Cli.Studies

open System
open System.IO
open Argu
open NtmLab
open NtmLab.Configuration
open NtmLab.Sweeps

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

/// A further process at the same part; it shares the work through the folder of runs.
let private companion (session: Session) (log: string) : LoggedProcess =
    LoggedProcess.Start(
        Repository.program,
        [
            "run"
            session.Script
            "--budget"
            (string session.Budget).ToLowerInvariant()
            "--runs"
            session.Runs
            "--threads"
            "1"
            for folder in Option.toList session.Archive do
                "--archive"
                folder
            "--attached"
        ],
        log
    )

let private stop (companion: LoggedProcess) : unit =
    use companion = companion
    companion.Stop()
    companion.Wait() |> ignore

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
        let kept = archive root
        Findings.write kept (List.fold Findings.add (Findings.read kept) used)
        printfn "kept in %s" kept

    let name = (string budget).ToLowerInvariant()
    let report = Path.Combine(runs, "report", name)
    printfn $"tables and figures: {report}"
    printfn $"the paper: ntmlab paper --budget {name}"
    0
