/// Many experiments that are compared: each is run once, and a study that was stopped goes on where it stopped.
[<RequireQualifiedAccess>]
module NtmLab.Study

open System
open System.Threading
open NtmLab.Configuration
open NtmLab.Runs

let private look
    (session: Session)
    (known: RunCells.Known)
    (configuration: ExperimentConfiguration)
    : RunCells.State =
    RunCells.look known (RunCells.identity (RunMaking.resolve session configuration))

/// Makes every run that is missing, one after the other; what another process is at is waited for at the end.
let rec private complete (session: Session) (left: ExperimentConfiguration list) : unit =
    let known = RunCells.known session.Runs

    let cells =
        left
        |> List.map (fun configuration -> configuration, look session known configuration)

    let open' =
        cells
        |> List.filter (fun (_, cell) ->
            match cell with
            | RunCells.Done _ -> false
            | _ -> true)

    let next =
        open'
        |> List.tryFind (fun (_, cell) ->
            match cell with
            | RunCells.Elsewhere _ -> false
            | _ -> true)

    match next, open' with
    | None, [] -> ()
    | None, _ ->
        Thread.Sleep(TimeSpan.FromSeconds 2.0)
        complete session (List.map fst open')
    | Some(configuration, cell), _ ->
        eprintfn "%d of %d runs are to be made; now: %s" open'.Length left.Length configuration.Name

        match cell with
        | RunCells.Stopped(_, directory) ->
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
        let known = RunCells.known session.Runs

        [
            for configuration in configurations do
                match look session known configuration with
                | RunCells.Done(record, directory) -> record, directory
                | _ -> raise (RunException $"{configuration.Name}: its run has gone from {session.Runs}.")
        ])
