/// What has been done of a resolved configuration in a folder of runs.
[<RequireQualifiedAccess>]
module NtmLab.RunCells

open System.Text.Json.Nodes
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks

/// What is to be done for one experiment.
type State =
    /// A run of it has come to its end, or cannot be trained to it.
    | Done of RunRecord * directory: string
    /// Another process is at it.
    | Elsewhere of RunRecord * directory: string
    /// A run of it was stopped.
    | Stopped of RunRecord * directory: string
    /// There is no run of it.
    | Missing

/// A configuration of the catalogue with every option that has come since it was written down at its default.
let private complete (document: JsonObject) : JsonObject =
    let unknown = ExperimentConfiguration(Name = "any", Task = NeedleTask(), Model = NtmOptions())

    try
        ConfigurationJson.Write(ConfigurationJson.Read(document, unknown))
    with :? ConfigurationException ->
        // Of a script's own task or model.
        document.DeepClone().AsObject()

/// All that decides what a run is: its resolved configuration without the number of threads, which decides how fast it is, and
/// without what is said about it.
let identityOf (document: JsonObject) : string =
    let document = complete document
    document.Remove "summary" |> ignore

    match document["compute"] with
    | :? JsonObject as compute -> compute.Remove "threads" |> ignore
    | _ -> ()

    document.ToJsonString()

/// Equal for configurations whose runs are the same.
let identity (configuration: ExperimentConfiguration) : string =
    identityOf (ConfigurationJson.Write configuration)

/// The runs of a folder by the identity of their configuration, newest first.
type Known = Map<string, (RunRecord * string) list>

/// Records by the identity of their configuration.
let ofRecords (records: (RunRecord * string) list) : Known =
    records
    |> List.groupBy (fun (record, _) -> identityOf record.Configuration)
    |> Map.ofList

/// Reads all runs of a folder but those of imported weights, which nobody trained.
let known (runs: string) : Known =
    ofRecords [
        for struct (directory, record) in RunFolder.List runs do
            if isNull record.Imported then
                record, directory
    ]

/// What is known of either; of equal configurations the first one's runs come first.
let join (first: Known) (second: Known) : Known =
    (first, second)
    ||> Map.fold (fun all identity runs ->
        all
        |> Map.change identity (fun known -> Some(Option.defaultValue [] known @ runs)))

/// The run that speaks for a configuration: a finished one, else one that failed, else the newest.
let find (known: Known) (identity: string) : (RunRecord * string) option =
    let runs = known |> Map.tryFind identity |> Option.defaultValue []
    let having (status: RunStatus) = runs |> List.tryFind (fun (record, _) -> record.Status = status)

    having RunStatus.Finished
    |> Option.orElseWith (fun () -> having RunStatus.Failed)
    |> Option.orElseWith (fun () -> List.tryHead runs)

/// How it stands with a configuration. Asks the run's folder whether a process holds it, where that matters.
let look (known: Known) (identity: string) : State =
    match find known identity with
    | None -> Missing
    | Some(record, directory) when record.Status = RunStatus.Finished || record.Status = RunStatus.Failed ->
        Done(record, directory)
    | Some(record, directory) when RunFolder.IsHeld directory -> Elsewhere(record, directory)
    | Some(record, directory) -> Stopped(record, directory)
