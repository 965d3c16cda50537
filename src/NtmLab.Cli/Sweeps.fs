/// `ntmlab sweep`: many runs of one script.
module NtmLab.Cli.Sweeps

open System
open System.Globalization
open System.IO
open System.Text.Json.Nodes
open Argu
open NtmLab
open NtmLab.Cli.Output
open NtmLab.Configuration
open NtmLab.Runs
open NtmLab.Sweeps

/// What a script describes, without a training.
let private describe (script: string) (session: Session) : ExperimentConfiguration list =
    Session.start { session with Work = Describe; Hosted = true }
    let output = Console.Out
    // What the script prints itself is no part of the sweep's result.
    Console.SetOut Console.Error

    try
        try
            ScriptHost.evaluate [] script

            raise (
                ConfigurationException
                    $"{script}: describes no experiment; it ends with '|> Experiment.run' or the like."
            )
        with Experiment.Described experiments ->
            experiments
    finally
        Console.SetOut output

let private word (state: CellState) : string = (string state).ToLowerInvariant()

let private toJson (sweep: Sweep) (outcomes: CellOutcome list) : JsonNode =
    let cell (outcome: CellOutcome) : JsonNode =
        let document =
            match outcome.Run with
            | Some(record, directory) -> record.Report directory
            | None -> JsonObject()

        document["state"] <- JsonValue.Create(word outcome.State)
        document["fault"] <- JsonValue.Create(Option.toObj outcome.Fault)
        document["experiment"] <- JsonValue.Create outcome.Cell.Configuration.Name
        document["seed"] <- JsonValue.Create outcome.Cell.Configuration.Seed

        document["set"] <- jsonObject [ for setting in outcome.Cell.Settings -> setting.Path, setting.Value ]

        document

    let document = JsonObject()
    document["sweep"] <- JsonValue.Create(Sweep.id sweep)
    document["directory"] <- JsonValue.Create(Sweep.directory sweep)
    document["runs"] <- jsonList (List.map cell outcomes)
    document

let private figure (number: float) : string = number.ToString("G4", CultureInfo.InvariantCulture)

let private show (outcomes: CellOutcome list) : unit =
    let score (record: RunRecord) =
        match Seq.tryLast record.Evaluation with
        | Some last -> $"{figure last.Score} {record.ScoreName} at {last.Length}"
        | None -> "-"

    let solved (record: RunRecord) =
        match Option.ofNullable record.SolvedAtSequences with
        | Some sequences -> string sequences
        | None -> "-"

    table [ "cell"; "state"; "run"; "score"; "solved after"; "seconds" ] [
        for outcome in outcomes do
            let ofRun (text: RunRecord -> string) =
                outcome.Run |> Option.map (fst >> text) |> Option.defaultValue "-"

            [
                outcome.Cell.Label
                word outcome.State
                ofRun _.Id
                ofRun score
                ofRun solved
                ofRun (fun record -> figure record.Seconds)
            ]
    ]

    for outcome in outcomes do
        match outcome.Fault with
        | Some fault -> eprintfn "%s: %s" outcome.Cell.Label fault
        | None -> ()

let private report (json: bool) (sweep: Sweep) (outcomes: CellOutcome list) : unit =
    if json then
        printJson (toJson sweep outcomes)
    else
        show outcomes
        Console.Out.WriteLine $"job scripts and logs: {Sweep.directory sweep}"

let private atLeastOne (name: string) (value: int) : int =
    if value < 1 then
        raise (ConfigurationException $"--{name} {value}: is not allowed; 1 or more is.")

    value

/// Threads of a run and, on this machine, runs at a time: together as many as there are cores.
let private share (arguments: ParseResults<SweepArgument>) (cells: SweepCell list) : int * int =
    let cores = Environment.ProcessorCount

    let threads =
        arguments.TryGetResult SweepArgument.Threads
        |> Option.map (atLeastOne "threads")

    let described = cells |> List.map _.Configuration.Compute.Threads |> List.max
    let jobs = arguments.TryGetResult SweepArgument.Jobs |> Option.map (atLeastOne "jobs")

    match arguments.GetResult(SweepArgument.Launcher, Launcher.Local), threads, jobs with
    | Launcher.Slurm, _, _ -> Option.defaultValue described threads, 1
    | _, Some threads, jobs -> threads, Option.defaultValue (max 1 (cores / threads)) jobs
    | _, None, Some jobs -> max 1 (cores / jobs), jobs
    | _, None, None ->
        let jobs = max 1 (cores / described)
        max 1 (cores / jobs), jobs

/// The end of a launch: 0 if every run is finished.
let private exitCode (outcomes: CellOutcome list) : int =
    if outcomes |> List.forall (fun outcome -> outcome.State = Finished) then
        0
    else
        1

let private launch (arguments: ParseResults<SweepArgument>) (json: bool) (sweep: Sweep) (jobs: int) : int =
    let launcher = arguments.GetResult(SweepArgument.Launcher, Launcher.Local)
    let options = arguments.GetResults SweepArgument.Slurm |> List.map SlurmJob.parseOption

    if launcher <> Launcher.Slurm && not options.IsEmpty then
        raise (ConfigurationException "--slurm: is for --launcher slurm alone.")

    use signals = new StopSignals()

    let outcomes =
        SweepDisplay.follow sweep.Runs (fun display ->
            match launcher with
            | Launcher.Slurm ->
                SlurmLauncher.submit sweep options display |> ignore

                if arguments.Contains SweepArgument.Detach then
                    None
                else
                    Some(SlurmLauncher.follow sweep display signals.Token)
            | _ -> Some(LocalLauncher.run sweep jobs display signals.Token))

    match outcomes with
    | None ->
        report json sweep (SlurmLauncher.look sweep)
        0
    | Some outcomes ->
        report json sweep outcomes
        exitCode outcomes

let private existing (script: string option) : string =
    match script with
    | Some script when File.Exists script -> Path.GetFullPath script
    | Some script ->
        raise (
            ConfigurationException
                $"{script}: there is no such script; 'ntmlab list experiments' lists those that come along."
        )
    | None ->
        raise (ConfigurationException "sweep: no script is given; ntmlab sweep SCRIPT.fsx --seeds 1..5.")

/// `ntmlab sweep`.
let run (arguments: ParseResults<SweepArgument>) : int =
    let script = existing (arguments.TryGetResult SweepArgument.Script)

    let plan =
        SweepPlan.parse
            (arguments.GetResults SweepArgument.Set)
            (arguments.TryGetResult Seeds)
            (arguments.TryGetResult SweepArgument.Random)
            (arguments.GetResult(Sweep_Seed, 1UL))

    let json = arguments.Contains SweepArgument.Json
    let runs = Path.GetFullPath(arguments.GetResult(SweepArgument.Runs, "runs"))

    try
        let cells =
            describe script {
                Script = script
                Overrides = []
                Runs = runs
                Resume = None
                Work = Describe
                Evaluate = None
                Budget = StudyBudget.Quick
                Archive = None
                Report = None
                Json = json
                Verbose = arguments.Contains SweepArgument.Verbose
                Hosted = true
            }
            |> fun experiments -> SweepCell.all experiments plan

        let threads, jobs = share arguments cells

        let sweep = {
            Script = script
            Runs = runs
            Cells = cells
            Threads = threads
            Jobs = arguments.TryGetResult SweepArgument.Jobs
            RetryFailed = arguments.Contains SweepArgument.Retry_Failed
            Program = Repository.program
        }

        if arguments.Contains Dry_Run then
            report json sweep (Sweep.look sweep)
            0
        elif arguments.Contains SweepArgument.Cancel then
            let cancelled = SlurmLauncher.cancel sweep
            eprintfn "cancelled %d tasks; the same command without --cancel goes on with them" cancelled
            0
        else
            launch arguments json sweep jobs
    with ScriptHost.CompilationFailed errors ->
        for error in errors do
            eprintfn "%s" error

        eprintfn "ntmlab: %s: does not compile; nothing was run." script
        2
