/// `ntmlab list`, `runs`, `show` and `doctor`: what there is.
module NtmLab.Cli.Overview

open System
open System.IO
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
open Spectre.Console

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
    use source = RunLookup.openRuns (arguments.GetResult(RunsArgument.Runs, "runs"))
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
    let file = RunLookup.memoryOf directory
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
        showMemory (RunLookup.findRun runs run) (arguments.Contains ShowArgument.Json)
    else
        let source, known = RunLookup.findKnown runs run
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
