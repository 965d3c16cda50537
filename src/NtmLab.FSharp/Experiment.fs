/// Turns an experiment into a run: trains, evaluates, draws, and keeps the record.
[<RequireQualifiedAccess>]
module NtmLab.Experiment

open System
open System.Collections.Generic
open System.IO
open System.Runtime.InteropServices
open System.Text.Json.Nodes
open System.Threading
open NtmLab.Configuration
open NtmLab.Display
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Runs.Store
open NtmLab.Training
open TorchSharp

/// Raised when the user asked a run to stop; the run is saved.
exception Interrupted of sentence: string

/// Raised to give what a script describes back to the host that asked for it, instead of running it.
exception Described of ExperimentConfiguration list

/// How to go on with a run: the command, or what a program does that made it without a script.
let private resumeCommand (folder: RunFolder) : string =
    let relative = Path.GetRelativePath(Environment.CurrentDirectory, folder.Directory)
    let outside = relative.StartsWith("..", StringComparison.Ordinal)
    let place = if outside then folder.Directory else relative

    if folder.Record.Script = "" then
        $"Session.start {{ Session.ofProgram with Resume = Some \"{place}\" }}, before the same Experiment.run"
    else
        $"ntmlab resume {place}"

let private firstRecord
    (session: Session)
    (nameInScript: string)
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (id: string)
    =
    RunRecord(
        Id = id,
        Status = RunStatus.Running,
        Name = configuration.Name,
        NameInScript =
            (if nameInScript = configuration.Name then
                 null
             else
                 nameInScript),
        Task = Catalog.NameOf(configuration.Task.GetType()),
        ScoreName = configuration.Task.ScoreName(),
        LossName = configuration.Task.Output().LossName,
        Model = Catalog.NameOf(configuration.Model.GetType()),
        Parameters = model.ParameterCount,
        Seed = configuration.Seed,
        Engine = (if model.IsFused then "fused" else "reference"),
        Started = DateTimeOffset.UtcNow,
        Updated = DateTimeOffset.UtcNow,
        CodeVersion = Machine.codeVersion,
        Machine = Machine.describe configuration.Compute.Threads,
        Script = session.Script,
        Configuration = ConfigurationJson.Write configuration
    )

let private openFolder
    (session: Session)
    (nameInScript: string)
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (store: StoreFollower)
    : RunFolder =
    match session.Resume with
    | Some directory -> RunFolder.Open(directory, TimeProvider.System)
    | None ->
        RunFolder.Create(
            session.Runs,
            configuration.Name,
            configuration.Seed,
            (if session.Script = "" then
                 ""
             else
                 File.ReadAllText session.Script),
            firstRecord session nameInScript configuration model,
            TimeProvider.System,
            (fun record -> store.Reserve record)
        )

/// Writes metrics and checkpoints as the trainer asks, and passes on to the display what it shows.
type private Keeper(folder: RunFolder, store: StoreFollower, trainer: Trainer, display: Display) =
    let metrics = new MetricsLog<BatchReport>(folder.MetricsFile, TimeProvider.System)
    let evaluations = new MetricsLog<EvaluationRow>(folder.EvaluationsFile, TimeProvider.System)
    let mutable saved = -1L

    /// Saves everything up to the last trained batch: metrics first, so that a checkpoint never knows more than they.
    member _.Save(status: RunStatus) : unit =
        metrics.Flush()
        evaluations.Flush()

        // Twice the same would leave no earlier one.
        if trainer.State.Batches <> saved then
            Checkpoint.Save(folder.LastCheckpoint, trainer, folder.Record.Id, folder.PreviousCheckpoint)
            saved <- trainer.State.Batches

        folder.Update(fun record -> record.WithProgress(trainer.State).WithStatus status)
        store.Trouble() |> Option.ofObj |> Option.iter display.Say

    interface ITrainingObserver with
        member _.Trained report =
            metrics.Append report
            display.Trained report

        member _.Evaluated(state, scores, best) =
            evaluations.Append(EvaluationRow(state.Sequences, scores))
            display.Evaluated(state.Sequences, scores)

            if best then
                Checkpoint.Save(folder.BestCheckpoint, trainer, folder.Record.Id)

        member keeper.CheckpointDue _ = keeper.Save RunStatus.Running

    interface IDisposable with
        member _.Dispose() =
            (metrics :> IDisposable).Dispose()
            (evaluations :> IDisposable).Dispose()

/// Cancels on Ctrl-C or termination; a second Ctrl-C ends the process at once.
let private cancelOnSignals (say: string -> unit) (source: CancellationTokenSource) : IDisposable list =
    let stop (context: PosixSignalContext) =
        if not source.IsCancellationRequested then
            context.Cancel <- true
            source.Cancel()
            say "stopping after this batch; once more ends at once"

    [
        for signal in [ PosixSignal.SIGINT; PosixSignal.SIGTERM ] ->
            PosixSignalRegistration.Create(signal, stop)
    ]

/// Cancels when standard input ends: when the process that started this one lets go of it, or has died.
let private cancelAtEndOfInput (source: CancellationTokenSource) : unit =
    let watch () =
        use input = Console.OpenStandardInput()
        let buffer = Array.zeroCreate<byte> 64

        while input.Read(buffer, 0, buffer.Length) > 0 do
            ()

        try
            source.Cancel()
        with :? ObjectDisposedException ->
            ()

    Thread(watch, IsBackground = true, Name = "end of input").Start()

/// What the session asks of runs; what a resumed run is asked is nothing more.
let private request (session: Session) : RunRequest option =
    match session.Work with
    | Perform request -> Some request
    | Describe -> None

let private trainWithin
    (display: Display)
    (folder: RunFolder)
    (store: StoreFollower)
    (trainer: Trainer)
    (cancellation: CancellationToken)
    =
    use keeper = new Keeper(folder, store, trainer, display)
    trainer.Train(keeper, cancellation)

    keeper.Save(
        if trainer.Finished then
            RunStatus.Running
        else
            RunStatus.Interrupted
    )

let private interrupted (folder: RunFolder) : exn =
    folder.Update(fun record -> record.WithStatus RunStatus.Interrupted)
    Interrupted $"{folder.Record.Id}: stopped; go on with: {resumeCommand folder}"

/// Keeps what the memory of a model that has one holds after the drawn example of the longest trained length.
let private keepMemory
    (configuration: ExperimentConfiguration)
    (folder: RunFolder)
    (display: Display)
    (model: SequenceModel)
    : unit =
    match MemoryModel.Of model with
    | null -> ()
    | memory ->
        use _scope = torch.NewDisposeScope()
        use _noGradient = torch.no_grad ()
        let length = configuration.Task.Lengths().Longest
        let batch = Pictures.example configuration model length
        let struct (_, state) = model.Run(batch.Input, model.InitialState 1L)
        let contents = MemoryModel.Contents state
        let size = MemoryFile.Size contents

        if size > MemoryFile.SizeLimit then
            display.Say
                $"the memory is not kept: it takes {size} bytes after a sequence of length {length}, and {MemoryFile.SizeLimit} are the most"
        else
            MemoryFile.Save(folder.MemoryFile, memory, contents, folder.Record.Id, length)
            Slots.picture (MemoryFile.Read folder.MemoryFile) (folder.Picture "memory")

let private finish
    (configuration: ExperimentConfiguration)
    (folder: RunFolder)
    (display: Display)
    (trainer: Trainer)
    (cancellation: CancellationToken)
    : unit =
    display.Say "scoring by length and drawing"
    let evaluation = configuration.Evaluation

    let scores =
        Evaluation.ByLength(
            trainer.Model,
            configuration.Task,
            evaluation.Lengths,
            evaluation.Sequences,
            configuration.Seed,
            cancellation
        )

    folder.Update(fun record -> record.WithEvaluation scores)

    let longest = Seq.max evaluation.Lengths

    Pictures.draw
        configuration
        trainer.Model
        folder
        (List.distinct [ configuration.Task.Lengths().Longest; longest ])

    keepMemory configuration folder display trainer.Model
    folder.Update(fun record -> record.WithStatus RunStatus.Finished)

/// Notes in the record why a run failed, if the record can still be written, and says how to go on.
let private failed (folder: RunFolder) (fault: NtmLabException) : exn =
    try
        folder.Update(fun record -> record.WithFault fault.Message)
    with :? RunException ->
        ()

    match fault with
    | :? RunException ->
        RunException($"{fault.Message} Go on, once that is mended, with: {resumeCommand folder}", fault)
    | _ -> fault

/// What the script calls the experiment of a run.
let private nameInScript (record: RunRecord) : string =
    record.NameInScript |> Option.ofObj |> Option.defaultValue record.Name

let internal resolve (session: Session) (configuration: ExperimentConfiguration) : ExperimentConfiguration =
    match session.Resume with
    | None -> ConfigurationOverride.Apply(configuration, session.Overrides)
    | Some directory ->
        let record = RunFolder.ReadRecord directory

        if nameInScript record <> configuration.Name then
            raise (
                RunException
                    $"{directory}: holds '{nameInScript record}', but its script describes '{configuration.Name}'."
            )

        let recorded = ConfigurationJson.Read(record.Configuration, configuration)
        ConfigurationOverride.Apply(recorded, session.Overrides)

/// Builds the model that a configuration asks for, on its device and engine.
let private buildModel (configuration: ExperimentConfiguration) : SequenceModel =
    let device = Machine.prepare configuration.Compute
    let model = configuration.Model.Build(configuration.Task, RandomStream(configuration.Seed, "model"))
    model.``to`` (device) |> ignore
    let engine = configuration.Compute.Engine

    if engine = EngineChoice.Fused || (engine = EngineChoice.Auto && model.CanFuse) then
        model.Fuse configuration.Compute.Threads
        // What is left to libtorch is small, and its waiting threads would take the cores from the engine's own.
        torch.set_num_threads 1

    model

/// Scores a run's model as asked; the run is left as it is.
let private evaluateIn
    (session: Session)
    (request: EvaluationRequest)
    (directory: string)
    (described: ExperimentConfiguration)
    : RunRecord * string =
    let record = RunFolder.ReadRecord directory
    let recorded = resolve session described

    let configuration =
        recorded.With(
            EvaluationOptions(
                Lengths =
                    (if request.Lengths.IsEmpty then
                         recorded.Evaluation.Lengths
                     else
                         request.Lengths),
                Sequences = Option.defaultValue recorded.Evaluation.Sequences request.Sequences
            )
        )

    configuration.Validate()
    use model = buildModel configuration
    let name = if request.Best then "best.ckpt" else "last.ckpt"
    Checkpoint.RestoreModel(Path.Combine(directory, "checkpoints", name), model)

    for file in Option.toList request.Memory do
        Memory.loadAtStart file model

    let evaluation = configuration.Evaluation

    let scores =
        Evaluation.ByLength(
            model,
            configuration.Task,
            evaluation.Lengths,
            evaluation.Sequences,
            configuration.Seed
        )

    record.WithEvaluation scores, directory

/// Trains a run to its end or to where it is stopped, scores and draws it, and says how it ended.
let private complete
    (configuration: ExperimentConfiguration)
    (folder: RunFolder)
    (store: StoreFollower)
    (trainer: Trainer)
    (source: CancellationTokenSource)
    : unit =
    Display.follow folder.Record configuration.Training (fun display ->
        let registrations = cancelOnSignals display.Say source

        try
            try
                trainWithin display folder store trainer source.Token

                if not trainer.Finished then
                    raise (interrupted folder)

                finish configuration folder display trainer source.Token
            with
            | :? OperationCanceledException -> raise (interrupted folder)
            | :? NtmLabException as fault -> raise (failed folder fault)
        finally
            for registration in registrations do
                registration.Dispose())

/// Does work on a run while the store takes it in.
let private following (store: StoreFollower) (folder: RunFolder) (work: unit -> unit) : unit =
    store.Follow folder.Directory

    try
        work ()
    finally
        store.Finish()
        store.Trouble() |> Option.ofObj |> Option.iter (eprintfn "ntmlab: %s")

/// The folder that holds the run and others.
let private runsFolder (session: Session) : string =
    session.Resume
    |> Option.bind (fun directory -> Path.GetDirectoryName(Path.GetFullPath directory) |> Option.ofObj)
    |> Option.defaultValue session.Runs

let private runIn (session: Session) (described: ExperimentConfiguration) : RunRecord * string =
    let configuration = resolve session described
    configuration.Validate()
    use store = new StoreFollower(runsFolder session, StoreAddress.OfEnvironment)
    use model = buildModel configuration
    use folder = openFolder session described.Name configuration model store

    if folder.Record.Status <> RunStatus.Finished then
        use trainer =
            new Trainer(
                model,
                configuration.Task,
                configuration.Training,
                configuration.Evaluation,
                configuration.Seed,
                TimeProvider.System
            )

        if session.Resume.IsSome then
            Checkpoint.RestoreLastWhole(folder.LastCheckpoint, folder.PreviousCheckpoint, trainer)
            |> Option.ofObj
            |> Option.iter (fun damage ->
                eprintfn
                    "ntmlab: %s The run goes on from the checkpoint before it, after %d sequences."
                    damage
                    trainer.State.Sequences)

        folder.Rewind trainer.State
        folder.Update(fun record -> record.WithStatus RunStatus.Running)
        use source = new CancellationTokenSource()

        if request session |> Option.exists _.Attached then
            cancelAtEndOfInput source

        following store folder (fun () -> complete configuration folder store trainer source)

    folder.Record, folder.Directory

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
        | Interrupted sentence ->
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
    with fault when not (Session.isHosted ()) ->
        exit (explain verbose fault)

/// The run of an experiment that may have one already: it is found, gone on with, or made.
let rec private runOnce
    (session: Session)
    (request: RunRequest)
    (described: ExperimentConfiguration)
    : RunRecord * string =
    let resume (directory: string) = runIn { session with Resume = Some directory; Overrides = [] } described

    match RunCells.look (RunCells.known session.Runs) (RunCells.identity (resolve session described)) with
    | RunCells.Done(record, directory) when record.Status = RunStatus.Finished -> record, directory
    | RunCells.Done(_, directory) when request.RetryFailed -> resume directory
    | RunCells.Done(record, _) ->
        raise (
            RunException
                $"{record.Id}: failed before and is left alone; 'ntmlab show {record.Id}' says why, --retry-failed tries it again."
        )
    | RunCells.Stopped(_, directory) -> resume directory
    | RunCells.Missing -> runIn session described
    | RunCells.Elsewhere _ ->
        Thread.Sleep(TimeSpan.FromSeconds 2.0)
        runOnce session request described

/// Those of a script's experiments that the command line asks for.
let private selected
    (session: Session)
    (configurations: ExperimentConfiguration list)
    : ExperimentConfiguration list =
    match request session |> Option.bind _.Only with
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
    | Perform _ -> selected session configurations

/// Makes a run, goes on with one, or scores one, and reports it.
let private serveOne
    (session: Session)
    (standardOutput: TextWriter)
    (configuration: ExperimentConfiguration)
    : RunRecord =
    let result =
        match session.Evaluate, session.Resume with
        | Some request, Some directory -> evaluateIn session request directory configuration
        | _ ->
            match request session with
            | Some request when request.Once && session.Resume.IsNone -> runOnce session request configuration
            | _ -> runIn session configuration

    report session standardOutput result
    fst result

/// Runs an experiment as the command line asks: makes a run, or goes on with one. Returns its record.
let run (configuration: ExperimentConfiguration) : RunRecord =
    serve (fun session standardOutput ->
        admit session [ configuration ] |> List.head |> serveOne session standardOutput)

/// A run that cannot be trained to its end leaves a record all the same, and does not keep the others from theirs.
let internal runOrRecord (session: Session) (configuration: ExperimentConfiguration) : RunRecord * string =
    try
        runIn session configuration
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
            let name = nameInScript (RunFolder.ReadRecord directory)

            match configurations |> List.tryFind (fun configuration -> configuration.Name = name) with
            | Some configuration -> [ serveOne session standardOutput configuration ]
            | None ->
                raise (
                    RunException $"{directory}: holds '{name}', which is none of its script's experiments."
                )
        | None ->
            let admitted = admit session configurations

            let results =
                match request session with
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

/// Runs several experiments one after the other and compares them; a resumed run is gone on with alone. Returns their records.
let runAll (configurations: ExperimentConfiguration list) : RunRecord list =
    compare (fun session -> List.map (runOrRecord session)) configurations
