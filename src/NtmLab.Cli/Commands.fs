/// What each verb does: a call into the layers below, and its result in words or JSON. Each gives the exit code.
module NtmLab.Cli.Commands

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open Argu
open NtmLab
open NtmLab.Cli.Output
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Native
open NtmLab.Runs
open NtmLab.Runs.Store
open NtmLab.Tasks
open Spectre.Console

/// The runs of a folder, from the store if there is one; what is left out is said.
let openRuns (runs: string) : IRunSource =
    RunSources.Open(runs, (fun sentence -> eprintfn "ntmlab: %s" sentence))

/// `missing` is what there is none of, for the sentence that says so.
let private noSuch (missing: string) (source: IRunSource) (run: string) : exn =
    let known = source.List() |> Seq.map _.Record.Id
    ConfigurationException $"{missing} '{run}'; {Suggestion.For(run, known)}"

/// The folder of a run given by id or path, if it lies here.
let private folderOf (runs: string) (run: string) : string option =
    [ run; Path.Combine(runs, run) ]
    |> List.tryFind RunFolder.IsRun
    |> Option.map Path.GetFullPath

let private findRunOr (missing: string) (runs: string) (run: string) : string =
    match folderOf runs run with
    | Some directory -> directory
    | None ->
        use source = openRuns runs

        match source.Find run with
        | null -> raise (noSuch missing source run)
        | known -> known.RequiredDirectory

/// The folder of a run given by id or path.
let findRun: string -> string -> string = findRunOr "there is no run"

/// A run given by id or path, with the source that it is read from.
let findKnown (runs: string) (run: string) : IRunSource * KnownRun =
    match folderOf runs run with
    | Some directory ->
        let parent = Path.GetDirectoryName directory |> Option.ofObj |> Option.defaultValue runs
        new RunFolders(parent), KnownRun(RunFolder.ReadRecord directory, directory)
    | None ->
        let source = openRuns runs

        match source.Find run with
        | null ->
            use source = source
            raise (noSuch "there is no run" source run)
        | known -> source, known

/// The file of the memory that a run kept.
let private memoryOf (directory: string) : string =
    let file = RunFolder.MemoryOf directory

    if not (File.Exists file) then
        let most = MemoryFile.SizeLimit / 1048576L

        raise (
            RunException
                $"{Path.GetFileName directory}: keeps no memory; finished runs of models with a memory do, where it takes at most {most} MiB."
        )

    file

/// The file of a memory given by its path or by the run that kept it.
let private findMemory (runs: string) (given: string) : string =
    if File.Exists given then
        Path.GetFullPath given
    else
        memoryOf (findRunOr "--memory: there is neither a file nor a run" runs given)

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
    let directory = findRun runs run
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

/// Whole numbers between commas, as an option gives them.
let numbers (option: string) (text: string) : int list = [
    for part in text.Split ',' do
        match Int32.TryParse(part.Trim()) with
        | true, length -> length
        | false, _ ->
            raise (
                ConfigurationException
                    $"{option}: '{text}' is not allowed; whole numbers such as 10,20,50 are."
            )
]

/// `ntmlab evaluate`.
let evaluate (arguments: ParseResults<EvaluateArgument>) : int =
    let runs = arguments.GetResult(EvaluateArgument.Runs, "runs")

    let memory = arguments.TryGetResult EvaluateArgument.Memory |> Option.map (findMemory runs)

    revisit runs (arguments.GetResult EvaluateArgument.Run) (fun session -> {
        session with
            Overrides = arguments.GetResults EvaluateArgument.Set
            Evaluate =
                Some {
                    Lengths =
                        arguments.TryGetResult Lengths
                        |> Option.map (numbers "--lengths")
                        |> Option.defaultValue []
                    Sequences = arguments.TryGetResult EvaluateArgument.Sequences
                    Best = arguments.Contains EvaluateArgument.Best
                    Memory = memory
                }
            Json = arguments.Contains EvaluateArgument.Json
            Verbose = arguments.Contains EvaluateArgument.Verbose
    })

/// A task by name with the options that the command line changes.
let private findTask (name: string) (overrides: string list) : SequenceTask =
    for change in overrides do
        if not (change.StartsWith("task.", StringComparison.Ordinal)) then
            raise (
                ConfigurationException
                    $"--set {change}: is no option of a task; those start with 'task.', e.g. task.bits=4."
            )

    match Catalog.Tasks |> Seq.tryFind (fun entry -> entry.Name = name) with
    | None ->
        let known = Catalog.Tasks |> Seq.map _.Name
        raise (ConfigurationException $"there is no task '{name}'; {Suggestion.For(name, known)}")
    | Some entry ->
        let task = nonNull (Activator.CreateInstance entry.Type) :?> SequenceTask
        let drawn = ExperimentConfiguration(Name = "show-task", Task = task, Model = NtmOptions())
        let resolved = ConfigurationOverride.Resolve(drawn, overrides).Task
        resolved.Validate()
        resolved

let private reference (reach: TaskReference) : JsonNode =
    JsonObject(
        [
            KeyValuePair("loss", JsonValue.Create reach.Loss :> JsonNode | null)
            KeyValuePair("score", JsonValue.Create reach.Score)
        ]
    )

let private rows (values: float32[,]) : JsonNode =
    jsonList [
        for row in 0 .. Array2D.length1 values - 1 ->
            jsonList [ for value in values[row, *] -> JsonValue.Create value ]
    ]

/// `ntmlab show-task`.
let showTask (arguments: ParseResults<ShowTaskArgument>) : int =
    let name = arguments.GetResult Task
    let task = findTask name (arguments.GetResults ShowTaskArgument.Set)
    LibTorch.Load()
    let length = arguments.GetResult(ShowTaskArgument.Length, task.Lengths().Longest)
    use batch = Example.draw task (arguments.GetResult(ShowTaskArgument.Seed, 1UL)) length
    let optimum = task.Optimum length

    if arguments.Contains ShowTaskArgument.Json then
        let document = JsonObject()
        document["task"] <- JsonValue.Create name
        document["length"] <- JsonValue.Create length
        document["options"] <- JsonSerializer.SerializeToNode(task, task.GetType(), ConfigurationJson.Options)
        document["input"] <- rows (Example.inputs task batch)
        document["target"] <- rows (Example.wanted task batch)

        document["mask"] <-
            (rows (Example.mask batch))[0]
            |> Option.ofObj
            |> Option.map _.DeepClone()
            |> Option.toObj

        document["scoreName"] <- JsonValue.Create(task.ScoreName())
        document["baseline"] <- reference (task.Baseline length)

        if optimum.HasValue then
            document["optimum"] <- reference optimum.Value

        printJson document
    else
        let summary = Catalog.Tasks |> Seq.find (fun entry -> entry.Name = name) |> _.Summary
        Console.Out.WriteLine $"{name}: {summary}"
        Console.Out.WriteLine()

        for line in Example.lines task batch (max 40 AnsiConsole.Profile.Width) 4 do
            Console.Out.WriteLine line

        Console.Out.WriteLine()
        let unit = task.Output().LossName

        let say what (reach: TaskReference) =
            Console.Out.WriteLine
                $"{what}: {reach.Score:G4} {task.ScoreName()}, a loss of {reach.Loss:G4} {unit}"

        say "without memory" (task.Baseline length)

        if optimum.HasValue then
            say "best possible" optimum.Value

    let path = arguments.GetResult(Picture, name)
    let plain = Path.ChangeExtension(path, null) |> Option.ofObj |> Option.defaultValue path

    if not (arguments.Contains ShowTaskArgument.Json) || arguments.Contains Picture then
        try
            Example.picture task batch plain
        with
        | :? IOException
        | :? UnauthorizedAccessException as fault ->
            raise (
                ConfigurationException $"--picture {path}: cannot be written ({fault.Message.TrimEnd '.'})."
            )

        eprintfn "drawn as %s.png and %s.svg" plain plain

    0

let private experiments () : (string * string) list = [
    for file in
        Directory.EnumerateFiles(Path.Combine(Repository.root.Value, "experiments"), "*.fsx")
        |> Seq.sort do
        let summary = Regex.Match(File.ReadAllText file, "^\s*summary\s+\"(.*)\"", RegexOptions.Multiline)

        if summary.Success then
            let name =
                Path.GetFileNameWithoutExtension file
                |> Option.ofObj
                |> Option.defaultValue file

            name, summary.Groups[1].Value
]

/// `ntmlab list`.
let list (arguments: ParseResults<ListArgument>) : int =
    let named (entries: CatalogEntry seq) = [ for entry in entries -> entry.Name, entry.Summary ]

    let items =
        match arguments.GetResult ListArgument.What with
        | Models -> named Catalog.Models
        | Tasks -> named Catalog.Tasks
        | Policies -> named Catalog.Policies
        | Presets -> [ for preset in Preset.All -> preset.Name, preset.Summary ]
        | Experiments -> experiments ()

    if arguments.Contains ListArgument.Json then
        printJson (jsonList [ for name, summary in items -> jsonObject [ "name", name; "summary", summary ] ])
    else
        table [ "name"; "summary" ] [ for name, summary in items -> [ name; summary ] ]

    0

/// `ntmlab runs`.
let runs (arguments: ParseResults<RunsArgument>) : int =
    use source = openRuns (arguments.GetResult(RunsArgument.Runs, "runs"))
    let found = source.List()

    if arguments.Contains RunsArgument.Json then
        printJson (jsonList [ for run in found -> run.Record.Report run.Directory ])
    else
        let solved (record: RunRecord) =
            if record.SolvedAtSequences.HasValue then
                string record.SolvedAtSequences.Value
            else
                "-"

        table [ "run"; "status"; "model"; "task"; "seed"; "sequences"; "solved at" ] [
            for record in found |> Seq.map _.Record ->
                [
                    record.Id
                    (string record.Status).ToLowerInvariant()
                    record.Model
                    record.Task
                    string record.Seed
                    string record.Sequences
                    solved record
                ]
        ]

    0

/// `ntmlab show --memory`.
let private showMemory (directory: string) (json: bool) : unit =
    let file = memoryOf directory
    LibTorch.Load()
    use _scope = TorchSharp.torch.NewDisposeScope()
    let saved = MemoryFile.Read file

    if json then
        printJson (Slots.json saved)
    else
        Slots.print saved
        Console.Out.WriteLine $"memory file: {file}"
        let picture = Path.Combine(directory, "pictures", "memory.png")

        if File.Exists picture then
            Console.Out.WriteLine $"picture: {picture}"

/// `ntmlab show`.
let show (arguments: ParseResults<ShowArgument>) : int =
    let runs = arguments.GetResult(ShowArgument.Runs, "runs")
    let run = arguments.GetResult ShowArgument.Run

    if arguments.Contains ShowArgument.Memory then
        showMemory (findRun runs run) (arguments.Contains ShowArgument.Json)
    else
        let source, known = findKnown runs run
        source.Dispose()
        let record = known.Record

        if arguments.Contains ShowArgument.Json then
            let document = record.Report known.Directory
            document["configuration"] <- record.Configuration.DeepClone()
            document["codeVersion"] <- JsonValue.Create record.CodeVersion
            printJson document
        else
            Display.outcome record
            Display.scores record

            Console.Out.WriteLine
                $"status: {(string record.Status).ToLowerInvariant()}, code {record.CodeVersion}"

            Console.Out.WriteLine
                $"configuration: {record.Configuration.ToJsonString ConfigurationJson.Options}"

            match known.Directory with
            | null -> Console.Out.WriteLine "run folder: on another machine"
            | directory -> Console.Out.WriteLine $"run folder: {directory}"

    0

/// `ntmlab doctor`.
let doctor (arguments: ParseResults<DoctorArgument>) : int =
    let checks =
        Doctor.Examine(
            Repository.root.Value,
            Path.GetFullPath(arguments.GetResult(DoctorArgument.Runs, "runs"))
        )

    let status (check: DoctorCheck) = (string check.Status).ToLowerInvariant()

    if arguments.Contains DoctorArgument.Json then
        let item (check: DoctorCheck) =
            jsonObject [ "name", check.Name; "status", status check; "detail", check.Detail ]

        printJson (jsonList [ for check in checks -> item check ])
    else
        table [ "check"; "status"; "detail" ] [
            for check in checks -> [ check.Name; status check; check.Detail ]
        ]

    if checks |> Seq.exists (fun check -> check.Status = DoctorStatus.Failed) then
        1
    else
        0

/// `ntmlab test`: builds the tests and runs them with the given options, without colours in a file or a pipe; without options in three
/// processes side by side.
let test (options: string list) : int =
    match Repository.build "tests/NtmLab.Tests" with
    | 0 ->
        let plain =
            if Console.IsOutputRedirected then
                [ "--colours"; "0"; "--no-spinner" ]
            else
                []

        let run (options: string list) =
            "artifacts/bin/NtmLab.Tests/release/NtmLab.Tests.dll" :: options @ plain

        match options with
        | [] ->
            Repository.dotnetSideBySide [
                for part in [ "inside"; "commands"; "others" ] -> run [ "--part"; part ]
            ]
        | _ -> Repository.dotnet (run options)
    | failed -> failed

/// `ntmlab format`: formats F# with Fantomas and C# with `dotnet format`; `--check` only checks.
let format (options: string list) : int =
    let check =
        match options with
        | [] -> false
        | [ "--check" ] -> true
        | other ->
            let given = String.Join(" ", other)
            raise (ConfigurationException $"format: '{given}' is not an option; --check is the only one.")

    let fantomas =
        Repository.dotnet [
            "fantomas"
            if check then
                "--check"
            else
                ()
                "src"
                "tests"
                "experiments"
        ]

    let csharp =
        Repository.dotnet [
            "format"
            "NtmLab.sln"
            "--no-restore"
            "--verbosity"
            "quiet"
            if check then
                "--verify-no-changes"
        ]

    if fantomas = 0 && csharp = 0 then 0 else 1
