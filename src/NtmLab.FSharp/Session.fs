namespace NtmLab

open System
open System.IO
open Argu
open NtmLab.Configuration

/// How much of a study is made.
type StudyBudget =
    /// Enough to see that everything works, in minutes.
    | Smoke = 0
    /// A first look, in half an hour.
    | Quick = 1
    /// What conclusions rest on.
    | Full = 2

/// The options that every script accepts, through `ntmlab run` or plain `dotnet fsi`.
type RunArgument =
    | [<MainCommand; Unique>] Script of path: string
    | [<AltCommandLine("-s")>] Set of path_value: string
    | Seed of number: uint64
    | Device of cpu_or_cuda: string
    | Engine of auto_or_reference_or_fused: string
    | Threads of number: int
    | Runs of directory: string
    | Only of name: string
    | Once
    | Retry_Failed
    | Budget of StudyBudget
    | Archive of directory: string
    | [<Hidden>] Attached
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Script _ -> "the F# script that describes the experiment."
            | Set _ -> "change an option of the configuration, e.g. model.slots=64; may be repeated."
            | Seed _ -> "the seed that decides every random number of the run."
            | Device _ -> "where tensors live: cpu or cuda."
            | Engine _ -> "what computes the model: auto, reference or fused."
            | Threads _ -> "threads for arithmetic."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Only _ -> "of a script with several experiments, run the one of this name."
            | Once ->
                "train only what has no finished run of the same configuration, and go on with a run that was stopped."
            | Retry_Failed -> "with --once: go on with a run that failed, too."
            | Budget _ ->
                "of a script that is part of a study, how much of it: smoke, quick or full (default: quick)."
            | Archive _ -> "of such a script, a folder of findings that were made elsewhere and count."
            | Attached -> "stop, as on Ctrl-C, when standard input ends."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// What is scored by `ntmlab evaluate`.
type EvaluationRequest = {
    /// The lengths; none for the run's own.
    Lengths: int list
    /// Fresh sequences of each length; none for the run's own number.
    Sequences: int option
    /// Whether the parameters that scored best are taken instead of the last ones.
    Best: bool
    /// The file of the memory that every sequence starts from; none for a blank memory.
    Memory: string option
}

/// Which of a script's experiments are run, and whether again.
type RunRequest = {
    /// The one that is run; none for all.
    Only: string option
    /// Whether what has a finished run is left alone, and a run that was stopped gone on with.
    Once: bool
    /// Whether a run that failed is gone on with too.
    RetryFailed: bool
    /// Whether the end of standard input stops a run.
    Attached: bool
}

/// What is done with the experiments that a script describes.
type SessionWork =
    /// They are run.
    | Perform of RunRequest
    /// They are given back to the host; nothing is trained.
    | Describe
    /// What a study has found is gathered and reported; nothing is trained, and what is missing is a fault.
    | Gather

/// What the command line asks of a script.
type Session = {
    /// The script's full path; empty where a program or a notebook describes the experiment.
    Script: string
    /// Overrides of the configuration, each `path=value`, in order.
    Overrides: string list
    /// The folder that holds all runs.
    Runs: string
    /// The folder of the run to go on with, if any.
    Resume: string option
    /// What is done with the script's experiments.
    Work: SessionWork
    /// What to score of that run instead of going on with it, if anything.
    Evaluate: EvaluationRequest option
    /// How much of a study is made.
    Budget: StudyBudget
    /// The folder of findings that were made elsewhere and count like those of this machine, if any.
    Archive: string option
    /// The folder that gets the tables and figures of a study; none for a folder beside the runs.
    Report: string option
    /// Whether one JSON document goes to standard output.
    Json: bool
    /// Whether a fault shows its stack trace.
    Verbose: bool
    /// Whether faults and results go back to a host instead of ending the process.
    Hosted: bool
}

/// Starts and finds the session of this process.
[<RequireQualifiedAccess>]
module Session =

    let mutable private current: Session option = None

    /// Runs all of a script's experiments, whatever was run before.
    let everything: SessionWork =
        Perform { Only = None; Once = false; RetryFailed = false; Attached = false }

    /// Turns the parsed run options into a session.
    let ofArguments (script: string) (arguments: ParseResults<RunArgument>) : Session =
        let option path value = $"{path}={value}"

        {
            Script = Path.GetFullPath script
            Overrides = [
                yield! arguments.GetResults Set
                yield! arguments.TryGetResult Seed |> Option.map (option "seed") |> Option.toList
                yield!
                    arguments.TryGetResult Device
                    |> Option.map (option "compute.device")
                    |> Option.toList
                yield!
                    arguments.TryGetResult Engine
                    |> Option.map (option "compute.engine")
                    |> Option.toList
                yield!
                    arguments.TryGetResult Threads
                    |> Option.map (option "compute.threads")
                    |> Option.toList
            ]
            Runs = arguments.GetResult(Runs, "runs")
            Resume = None
            Work =
                Perform {
                    Only = arguments.TryGetResult Only
                    Once = arguments.Contains Once || arguments.Contains Retry_Failed
                    RetryFailed = arguments.Contains Retry_Failed
                    Attached = arguments.Contains Attached
                }
            Evaluate = None
            Budget = arguments.GetResult(Budget, StudyBudget.Quick)
            Archive = arguments.TryGetResult RunArgument.Archive
            Report = None
            Json = arguments.Contains Json
            Verbose = arguments.Contains Verbose
            Hosted = false
        }

    /// Makes a session the one that `Experiment.run` serves; a host calls this before it evaluates a script.
    let start (session: Session) : unit = current <- Some session

    /// Whether a host waits for faults and results.
    let isHosted () : bool = current |> Option.exists _.Hosted

    /// The first sentence of an Argu message, without its usage text.
    let sentence (fault: ArguParseException) : string =
        let line = fault.Message.Split('\n')[0]
        line.Replace("ERROR: ", "").Trim().TrimEnd('.')

    /// The session of a program or a notebook: no script, no command line, and faults come as exceptions.
    let ofProgram: Session = {
        Script = ""
        Overrides = []
        Runs = "runs"
        Resume = None
        Work = everything
        Evaluate = None
        Budget = StudyBudget.Quick
        Archive = None
        Report = None
        Json = false
        Verbose = false
        Hosted = true
    }

    let private ofProcess () : Session =
        let arguments = Environment.GetCommandLineArgs()

        let script =
            arguments
            |> Array.tryFindIndex (fun argument ->
                argument.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase))

        match script with
        | None -> ofProgram
        | Some index ->
            let parser = ArgumentParser.Create<RunArgument>(programName = Path.GetFileName arguments[index])
            let options = arguments[index + 1 ..] |> Array.filter (fun argument -> argument <> "--")

            try
                parser.Parse(options, raiseOnUsage = true) |> ofArguments arguments[index]
            with :? ArguParseException as fault ->
                if fault.ErrorCode = ErrorCode.HelpText then
                    Console.Out.WriteLine fault.Message
                    exit 0
                else
                    raise (ConfigurationException $"{sentence fault}; --help lists the options.")

    /// The session: the one that was started, or the one that this process's own command line describes.
    let get () : Session =
        match current with
        | Some session -> session
        | None ->
            let session = ofProcess ()
            start session
            session
