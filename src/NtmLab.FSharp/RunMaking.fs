/// Makes one run: trains, evaluates, draws, and keeps the record; goes on with one, or scores one.
[<RequireQualifiedAccess>]
module internal NtmLab.RunMaking

open System
open System.IO
open System.Threading
open NtmLab.Configuration
open NtmLab.Display
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Runs.Store
open NtmLab.Training
open TorchSharp

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

/// What the session asks of runs; what a resumed run is asked is nothing more.
let request (session: Session) : RunRequest option =
    match session.Work with
    | Perform request -> Some request
    | Describe
    | Gather -> None

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
    Stopping.Interrupted $"{folder.Record.Id}: stopped; go on with: {resumeCommand folder}"

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
            evaluation.SlotsPerStep,
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
let nameInScript (record: RunRecord) : string =
    record.NameInScript |> Option.ofObj |> Option.defaultValue record.Name

/// The configuration of a run as its script, its record and the command line have it.
let resolve (session: Session) (configuration: ExperimentConfiguration) : ExperimentConfiguration =
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
let evaluateIn
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
                Sequences = Option.defaultValue recorded.Evaluation.Sequences request.Sequences,
                SlotsPerStep = recorded.Evaluation.SlotsPerStep
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
            configuration.Seed,
            evaluation.SlotsPerStep
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
        let registrations = Stopping.onSignals display.Say source

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

/// Makes the run of an experiment, or goes on with the one that the session names. Returns its record and folder.
let runIn (session: Session) (described: ExperimentConfiguration) : RunRecord * string =
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
            Stopping.atEndOfInput source

        following store folder (fun () -> complete configuration folder store trainer source)

    folder.Record, folder.Directory
