/// Many experiments that are compared: each is run once, and a study that was stopped goes on where it stopped.
[<RequireQualifiedAccess>]
module NtmLab.Study

open System
open System.Threading
open NtmLab.Configuration
open NtmLab.Runs

/// The runs of a folder by their resolved configuration.
let private runsByConfiguration (session: Session) : Map<string, (RunRecord * string) list> =
    [ for struct (directory, record) in RunFolder.List session.Runs -> record, directory ]
    |> List.groupBy (fun (record, _) -> record.Configuration.ToJsonString())
    |> Map.ofList

/// What is to be done for one experiment of a study.
type private Cell =
    /// A run of it has come to its end, or cannot be trained to it.
    | Done of RunRecord * string
    /// Another process is at it.
    | Elsewhere
    /// A run of it was stopped.
    | Stopped of directory: string
    /// There is no run of it.
    | Missing

let private look
    (session: Session)
    (known: Map<string, (RunRecord * string) list>)
    (configuration: ExperimentConfiguration)
    : Cell =
    let wanted = ConfigurationJson.Write(Experiment.resolve session configuration).ToJsonString()
    let runs = known |> Map.tryFind wanted |> Option.defaultValue []

    let ended (record: RunRecord, _) = record.Status = RunStatus.Finished || record.Status = RunStatus.Failed

    match List.tryFind ended runs, runs with
    | Some run, _ -> Done run
    | None, [] -> Missing
    | None, (_, directory) :: _ when RunFolder.IsHeld directory -> Elsewhere
    | None, (_, directory) :: _ -> Stopped directory

/// Makes every run that is missing, one after the other; what another process is at is waited for at the end.
let rec private complete (session: Session) (left: ExperimentConfiguration list) : unit =
    let known = runsByConfiguration session

    let cells =
        left
        |> List.map (fun configuration -> configuration, look session known configuration)

    let open' =
        cells
        |> List.filter (fun (_, cell) ->
            match cell with
            | Done _ -> false
            | _ -> true)

    let next =
        open'
        |> List.tryFind (fun (_, cell) ->
            match cell with
            | Elsewhere -> false
            | _ -> true)

    match next, open' with
    | None, [] -> ()
    | None, _ ->
        Thread.Sleep(TimeSpan.FromSeconds 2.0)
        complete session (List.map fst open')
    | Some(configuration, cell), _ ->
        eprintfn "%d of %d runs are to be made; now: %s" open'.Length left.Length configuration.Name

        match cell with
        | Stopped directory ->
            Experiment.runOrRecord { session with Resume = Some directory; Overrides = [] } configuration
        | _ -> Experiment.runOrRecord session configuration
        |> ignore

        complete session (List.map fst open')

/// Runs every experiment that has no finished run of the same configuration in the folder of runs, goes on with those that were
/// stopped, and compares all. Several processes may work at the same study: start the same command again. Returns the records in
/// the order of the experiments.
let run (configurations: ExperimentConfiguration list) : RunRecord list =
    configurations
    |> Experiment.compare (fun session configurations ->
        complete session configurations
        let known = runsByConfiguration session

        [
            for configuration in configurations do
                match look session known configuration with
                | Done(record, directory) -> record, directory
                | _ -> raise (RunException $"{configuration.Name}: its run has gone from {session.Runs}.")
        ])
