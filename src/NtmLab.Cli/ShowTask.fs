/// `ntmlab show-task`: an example of a task.
module NtmLab.Cli.ShowTask

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open Argu
open NtmLab
open NtmLab.Cli.Output
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Native
open NtmLab.Tasks
open Spectre.Console

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
let run (arguments: ParseResults<ShowTaskArgument>) : int =
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
