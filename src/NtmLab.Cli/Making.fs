/// `ntmlab run`, `resume` and `evaluate`: scripts, and runs that are gone on with or scored anew by the script that they keep.
module NtmLab.Cli.Making

open System
open System.IO
open Argu
open NtmLab
open NtmLab.Runs

let private hosted (session: Session) (includes: string list) (script: string) : int =
    Session.start { session with Hosted = true }

    try
        ScriptHost.evaluate includes script
        0
    with
    | Experiment.Ended -> 0
    | ScriptHost.CompilationFailed errors ->
        for error in errors do
            eprintfn "%s" error

        eprintfn "ntmlab: %s: does not compile; nothing was run." session.Script
        2

/// `ntmlab run`.
let run (arguments: ParseResults<RunArgument>) : int =
    match arguments.TryGetResult Script with
    | None ->
        raise (
            ConfigurationException
                "run: no script is given; ntmlab run SCRIPT.fsx, e.g. experiments/copy.fsx."
        )
    | Some script when not (File.Exists script) ->
        raise (
            ConfigurationException
                $"{script}: there is no such script; 'ntmlab list experiments' lists those that come along."
        )
    | Some script -> hosted (Session.ofArguments script arguments) [] (Path.GetFullPath script)

/// Evaluates the script that a run keeps, in a session that is about that run.
let private revisit (runs: string) (run: string) (about: Session -> Session) : int =
    let directory = RunLookup.findRun runs run
    let record = RunFolder.ReadRecord directory

    if record.Script = "" then
        raise (
            RunException
                $"{record.Id}: was made by a program or a notebook, not by a script; only there it can be gone on with and scored (Session.Resume, Session.Evaluate)."
        )

    let script = Path.Combine(directory, "script.fsx")

    let session =
        about {
            Script = script
            Overrides = []
            Runs = runs
            Resume = Some directory
            Work = Session.everything
            Evaluate = None
            Budget = StudyBudget.Quick
            Archive = None
            Report = None
            Json = false
            Verbose = false
            Hosted = true
        }

    let beside = Path.GetDirectoryName record.Script |> Option.ofObj |> Option.toList
    hosted session [ yield! beside; Path.Combine(Repository.root.Value, "experiments") ] script

/// `ntmlab resume`.
let resume (arguments: ParseResults<ResumeArgument>) : int =
    revisit
        (arguments.GetResult(ResumeArgument.Runs, "runs"))
        (arguments.GetResult ResumeArgument.Run)
        (fun session -> {
            session with
                Json = arguments.Contains ResumeArgument.Json
                Verbose = arguments.Contains ResumeArgument.Verbose
        })

/// `ntmlab evaluate`.
let evaluate (arguments: ParseResults<EvaluateArgument>) : int =
    let runs = arguments.GetResult(EvaluateArgument.Runs, "runs")

    let memory =
        arguments.TryGetResult EvaluateArgument.Memory
        |> Option.map (RunLookup.findMemory runs)

    revisit runs (arguments.GetResult EvaluateArgument.Run) (fun session -> {
        session with
            Overrides = arguments.GetResults EvaluateArgument.Set
            Evaluate =
                Some {
                    Lengths =
                        arguments.TryGetResult Lengths
                        |> Option.map (WholeNumbers.parse "--lengths")
                        |> Option.defaultValue []
                    Sequences = arguments.TryGetResult EvaluateArgument.Sequences
                    Best = arguments.Contains EvaluateArgument.Best
                    Memory = memory
                }
            Json = arguments.Contains EvaluateArgument.Json
            Verbose = arguments.Contains EvaluateArgument.Verbose
    })
