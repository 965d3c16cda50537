/// Many experiments and measurements that answer one question: each is made once, and a study that was stopped goes on where it
/// stopped.
[<RequireQualifiedAccess>]
module NtmLab.Study

open System
open System.Collections.Generic
open System.IO
open System.Threading
open NtmLab.Configuration
open NtmLab.Runs

let private records = Dictionary<string, RunRecord>()
let private findings = Dictionary<string, Findings.Finding>()

/// All that the studies of this process have used so far.
let used () : Findings.Archive = { Findings = List.ofSeq findings.Values; Runs = List.ofSeq records.Values }

/// Forgets what was used so far.
let forget () : unit =
    records.Clear()
    findings.Clear()

let private archive (session: Session) : Findings.Archive =
    match session.Archive with
    | Some folder -> Findings.read folder
    | None -> { Findings = []; Runs = [] }

/// The runs of this machine and of the archive. Those that lie here come first.
let private known (session: Session) : RunCells.Known =
    RunCells.join
        (RunCells.known session.Runs)
        (RunCells.ofRecords [ for record in (archive session).Runs -> record, "" ])

let private look
    (session: Session)
    (known: RunCells.Known)
    (configuration: ExperimentConfiguration)
    : RunCells.State =
    RunCells.look known (RunCells.identity (RunMaking.resolve session configuration))

/// Keeps other processes from beginning the same run; none while another one does.
let private hold (session: Session) (configuration: ExperimentConfiguration) : IDisposable option =
    Hold.take (Path.Combine(session.Runs, $"{configuration.Name}-seed{configuration.Seed}.hold"))

/// Makes a run that is held, unless that has been done since it was last looked at.
let private makeHeld (session: Session) (configuration: ExperimentConfiguration) : unit =
    match look session (known session) configuration with
    | RunCells.Done _
    | RunCells.Elsewhere _ -> ()
    | RunCells.Stopped(_, directory) ->
        Experiment.runOrRecord { session with Resume = Some directory; Overrides = [] } configuration
        |> ignore
    | RunCells.Missing -> Experiment.runOrRecord session configuration |> ignore

/// Makes every run that is missing, one after the other; what another process is at is waited for at the end.
let rec private complete (session: Session) (left: ExperimentConfiguration list) : unit =
    let known = known session

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
        |> List.tryPick (fun (configuration, cell) ->
            match cell with
            | RunCells.Elsewhere _ -> None
            | _ -> hold session configuration |> Option.map (fun held -> configuration, held))

    match next, open' with
    | None, [] -> ()
    | None, _ ->
        Thread.Sleep(TimeSpan.FromSeconds 2.0)
        complete session (List.map fst open')
    | Some(configuration, held), _ ->
        eprintfn "%d of %d runs are to be made; now: %s" open'.Length left.Length configuration.Name

        using held (fun _ -> makeHeld session configuration)
        complete session (List.map fst open')

/// The records of runs that are all there.
let private gather
    (session: Session)
    (configurations: ExperimentConfiguration list)
    : (RunRecord * string) list =
    let known = known session

    let cells =
        configurations
        |> List.map (fun configuration -> configuration, look session known configuration)

    let missing =
        cells
        |> List.choose (fun (configuration, cell) ->
            match cell with
            | RunCells.Done _ -> None
            | _ -> Some $"{configuration.Name} with seed {configuration.Seed}")

    let found = [
        for _, cell in cells do
            match cell with
            | RunCells.Done(record, directory) -> record, directory
            | _ -> ()
    ]

    for record, _ in found do
        records[RunCells.identityOf record.Configuration] <- record

    match missing with
    | [] -> found
    | first :: _ ->
        raise (
            RunException
                $"{missing.Length} of {cells.Length} runs of the study are missing or of another version of it, {first} to begin with; ntmlab study makes them."
        )

/// Makes what is missing, unless nothing is to be made, and gives the records.
let private made
    (session: Session)
    (configurations: ExperimentConfiguration list)
    : (RunRecord * string) list =
    if session.Work <> Gather then
        complete session configurations

    gather session configurations

/// Runs every experiment that has no finished run of the same configuration in the folder of runs, goes on with those that were
/// stopped, and compares all. Several processes may work at the same study: start the same command again. Returns the records in
/// the order of the experiments.
let run (configurations: ExperimentConfiguration list) : RunRecord list =
    configurations |> Experiment.compare made

/// A step of a study, which goes on from its results: as `run`, but shows no comparison. Gives with every record the folder of its
/// run, empty where only its record is here.
let step (configurations: ExperimentConfiguration list) : (RunRecord * string) list =
    configurations |> Experiment.among made

/// The folder of a run of this machine, with its weights. A run of which only the record is here is made.
let folder (configuration: ExperimentConfiguration) : string =
    [ configuration ]
    |> Experiment.among (fun session configurations -> made { session with Archive = None } configurations)
    |> List.head
    |> snd

/// Waits until no other process measures under this key, and measures unless that has been done meanwhile.
let rec private measureAlone (session: Session) (key: string) (measure: unit -> 'T) : Findings.Finding =
    match Findings.hold session.Runs key with
    | Some hold ->
        use _ = hold

        match Findings.find session.Runs key with
        | Some finding -> finding
        | None ->
            eprintfn "to be measured; now: %s" key
            Findings.make session.Runs key measure
    | None ->
        Thread.Sleep(TimeSpan.FromSeconds 2.0)
        measureAlone session key measure

/// What is measured under a key that says all that decides it: found here or in the archive, or else measured and kept.
let finding<'T when 'T: not null and 'T: not struct> (key: string) (measure: unit -> 'T) : 'T =
    let session = Session.get ()
    let elsewhere () = (archive session).Findings |> List.tryFind (fun finding -> finding.Key = key)

    let found =
        match Findings.find session.Runs key |> Option.orElseWith elsewhere with
        | Some finding -> finding
        | None when session.Work = Gather ->
            raise (
                RunException
                    $"a finding of the study is missing or of another version of it: {key}; ntmlab study makes it."
            )
        | None -> measureAlone session key measure

    findings[key] <- found
    Findings.value<'T> found

/// How much of the study is asked for.
let budget () : StudyBudget = (Session.get ()).Budget
