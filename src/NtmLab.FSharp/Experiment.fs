/// Turns experiments into runs, as the command line asks.
[<RequireQualifiedAccess>]
module NtmLab.Experiment

open System
open System.Collections.Generic
open System.IO
open System.Text.Json.Nodes
open System.Threading
open NtmLab.Configuration
open NtmLab.Runs
open NtmLab.Training

/// Raised to give what a script describes back to the host that asked for it, instead of running it.
exception Described of ExperimentConfiguration list

/// Raised when the one run of a script that was asked for is made: what the script does with all of its runs is left out.
exception Ended

let private report
    (session: Session)
    (standardOutput: TextWriter)
    (record: RunRecord, directory: string)
    : unit =
    if session.Json then
        standardOutput.WriteLine(record.Report(directory).ToJsonString ConfigurationJson.Options)
        standardOutput.Flush()
    else
        Display.outcome record
        Display.scores record
        Console.Out.WriteLine $"run folder: {directory}"

/// Says a fault in one sentence, with its stack trace if asked, and gives the exit code.
let explain (verbose: bool) (fault: exn) : int =
    let code =
        match fault with
        | Stopping.Interrupted sentence ->
            eprintfn "%s" sentence
            1
        | :? NtmLabException as fault ->
            eprintfn "ntmlab: %s" fault.Message
            fault.ExitCode
        | _ ->
            eprintfn "ntmlab: %s (%s; --verbose shows where)" fault.Message (fault.GetType().Name)
            1

    if verbose then
        eprintfn "%O" fault

    code

/// Serves what the command line asks of a script; a fault ends the process unless a host waits for it.
let private serve (work: Session -> TextWriter -> 'T) : 'T =
    let standardOutput = Console.Out
    let mutable verbose = false

    try
        let session = Session.get ()
        verbose <- session.Verbose

        if session.Json then
            Console.SetOut Console.Error

        work session standardOutput
    with
    | Ended when not (Session.isHosted ()) -> exit 0
    | fault when not (Session.isHosted ()) -> exit (explain verbose fault)

/// The run of an experiment that may have one already: it is found, gone on with, or made.
let rec private runOnce
    (session: Session)
    (request: RunRequest)
    (described: ExperimentConfiguration)
    : RunRecord * string =
    let resume (directory: string) =
        RunMaking.runIn { session with Resume = Some directory; Overrides = [] } described

    match
        RunCells.look (RunCells.known session.Runs) (RunCells.identity (RunMaking.resolve session described))
    with
    | RunCells.Done(record, directory) when record.Status = RunStatus.Finished -> record, directory
    | RunCells.Done(_, directory) when request.RetryFailed -> resume directory
    | RunCells.Done(record, _) ->
        raise (
            RunException
                $"{record.Id}: failed before and is left alone; 'ntmlab show {record.Id}' says why, --retry-failed tries it again."
        )
    | RunCells.Stopped(_, directory) -> resume directory
    | RunCells.Missing -> RunMaking.runIn session described
    | RunCells.Elsewhere _ ->
        Thread.Sleep(TimeSpan.FromSeconds 2.0)
        runOnce session request described

/// Those of a script's experiments that the command line asks for.
let private selected
    (session: Session)
    (configurations: ExperimentConfiguration list)
    : ExperimentConfiguration list =
    match RunMaking.request session |> Option.bind _.Only with
    | None -> configurations
    | Some name ->
        match configurations |> List.filter (fun configuration -> configuration.Name = name) with
        | [] ->
            let names = configurations |> List.map _.Name

            raise (
                ConfigurationException
                    $"--only: the script describes no '{name}'; {Suggestion.For(name, names)}"
            )
        | found -> found

/// Gives experiments back to a host that asks for nothing else; those that are to be run else.
let private admit
    (session: Session)
    (configurations: ExperimentConfiguration list)
    : ExperimentConfiguration list =
    match session.Work with
    | Describe -> raise (Described configurations)
    | Gather -> configurations
    | Perform _ -> selected session configurations

/// Makes a run, goes on with one, or scores one, and reports it.
let private serveOne
    (session: Session)
    (standardOutput: TextWriter)
    (configuration: ExperimentConfiguration)
    : RunRecord =
    let result =
        match session.Evaluate, session.Resume with
        | Some request, Some directory -> RunMaking.evaluateIn session request directory configuration
        | _ ->
            match RunMaking.request session with
            | Some request when request.Once && session.Resume.IsNone -> runOnce session request configuration
            | _ -> RunMaking.runIn session configuration

    report session standardOutput result
    fst result

/// Runs an experiment as the command line asks: makes a run, or goes on with one. Returns its record.
let run (configuration: ExperimentConfiguration) : RunRecord =
    serve (fun session standardOutput ->
        admit session [ configuration ] |> List.head |> serveOne session standardOutput)

/// A run that cannot be trained to its end leaves a record all the same, and does not keep the others from theirs.
let internal runOrRecord (session: Session) (configuration: ExperimentConfiguration) : RunRecord * string =
    Stopping.ifAsked ()

    try
        RunMaking.runIn session configuration
    with :? DivergenceException as fault ->
        eprintfn "ntmlab: %s: %s" configuration.Name fault.Message

        RunFolder.List session.Runs
        |> Seq.map (fun struct (directory, record) -> record, directory)
        |> Seq.filter (fun (record, _) ->
            record.Name = configuration.Name && record.Seed = configuration.Seed)
        |> Seq.maxBy (fun (record, _) -> record.Started)

/// Makes the runs of several experiments in a way of its own and compares them; a resumed run is gone on with alone.
let internal compare
    (make: Session -> ExperimentConfiguration list -> (RunRecord * string) list)
    (configurations: ExperimentConfiguration list)
    : RunRecord list =
    serve (fun session standardOutput ->
        match session.Resume with
        | Some directory ->
            let name = RunMaking.nameInScript (RunFolder.ReadRecord directory)

            match configurations |> List.tryFind (fun configuration -> configuration.Name = name) with
            | Some configuration -> [ serveOne session standardOutput configuration ]
            | None ->
                raise (
                    RunException $"{directory}: holds '{name}', which is none of its script's experiments."
                )
        | None ->
            let admitted = admit session configurations

            let results =
                match RunMaking.request session with
                | Some request when request.Once -> admitted |> List.map (runOnce session request)
                | _ -> make session admitted

            if session.Json then
                let runs =
                    JsonArray [| for record, directory in results -> record.Report directory :> JsonNode |]

                standardOutput.WriteLine(
                    JsonObject([ KeyValuePair("runs", runs :> JsonNode | null) ]).ToJsonString
                        ConfigurationJson.Options
                )

                standardOutput.Flush()
            else
                Display.comparison (List.map fst results)
                Console.Out.WriteLine $"run folders: {Path.GetFullPath session.Runs}"

            List.map fst results)

/// Makes the runs of several experiments, which are not all of their script, in a way of its own. Where one run is asked for, by its
/// name or to go on with it, that one alone is made, if it is among these; else these must be there already.
let internal among
    (make: Session -> ExperimentConfiguration list -> (RunRecord * string) list)
    (configurations: ExperimentConfiguration list)
    : (RunRecord * string) list =
    serve (fun session standardOutput ->
        let wanted =
            match session.Resume, RunMaking.request session with
            | Some directory, _ -> Some(RunMaking.nameInScript (RunFolder.ReadRecord directory))
            | None, request -> request |> Option.bind _.Only

        match session.Work, wanted with
        | Describe, _ -> raise (Described configurations)
        | _, None -> make session configurations
        | _, Some name ->
            match configurations |> List.tryFind (fun configuration -> configuration.Name = name) with
            | Some configuration ->
                serveOne session standardOutput configuration |> ignore
                raise Ended
            | None -> make { session with Work = Gather; Resume = None } configurations)

/// Runs several experiments one after the other and compares them; a resumed run is gone on with alone. Returns their records.
let runAll (configurations: ExperimentConfiguration list) : RunRecord list =
    compare (fun session -> List.map (runOrRecord session)) configurations
