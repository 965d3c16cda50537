/// Makes parts of the memory-length study: here, in further processes, and for the paper.
module NtmLab.Cli.StudyWork

open System.IO
open NtmLab
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

/// Evaluates a part's script in this process; `Study.used` has what it used.
let evaluate (session: Session) : unit =
    Study.forget ()
    Session.start session

    try
        ScriptHost.evaluate [] session.Script
    with ScriptHost.CompilationFailed errors ->
        for error in errors do
            eprintfn "%s" error

        raise (ConfigurationException $"{session.Script}: does not compile; nothing of it was made.")

/// Takes what is there of a part; gives what is missing in a sentence, if anything is.
let gather (session: Session) : string option =
    try
        evaluate { session with Work = Gather }
        None
    with :? RunException as fault ->
        Some fault.Message

/// The arguments of a process that works at a part too; it shares the work through the folder of runs.
let worker (session: Session) : string list = [
    "run"
    session.Script
    "--budget"
    Paper.nameOf session.Budget
    "--runs"
    session.Runs
    "--threads"
    "1"
    for folder in Option.toList session.Archive do
        "--archive"
        folder
]

let private stop (companion: LoggedProcess) : unit =
    use companion = companion
    companion.Stop()
    companion.Wait() |> ignore

/// Makes a part in this process and others.
let make (jobs: int) (session: Session) : unit =
    let logs = Path.Combine(session.Runs, "logs")
    Directory.CreateDirectory logs |> ignore
    let name = Path.GetFileNameWithoutExtension session.Script

    let companions = [
        for number in 2..jobs ->
            LoggedProcess.Start(
                Repository.program,
                worker session @ [ "--attached" ],
                Path.Combine(logs, $"{name}-{number}.log")
            )
    ]

    try
        evaluate session
    finally
        List.iter stop companions
