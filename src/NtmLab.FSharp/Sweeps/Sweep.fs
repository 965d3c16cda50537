namespace NtmLab.Sweeps

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Text.Json
open NtmLab
open NtmLab.Configuration
open NtmLab.Runs

/// What is asked of a sweep, whoever carries it out.
type Sweep = {
    /// The script's full path.
    Script: string
    /// The full path of the folder that holds all runs.
    Runs: string
    Cells: SweepCell list
    /// Threads of each run.
    Threads: int
    /// Runs at a time; none for as many as there is room for.
    Jobs: int option
    /// Whether runs that failed are tried again.
    RetryFailed: bool
    /// The program that makes runs, with its first arguments.
    Program: string list
}

/// How a cell stands.
type CellState =
    | Finished
    | Failed
    | Stopped
    | Running
    /// It is in a cluster's queue.
    | Waiting
    | Missing

/// What has become of a cell.
type CellOutcome = {
    Cell: SweepCell
    State: CellState
    Run: (RunRecord * string) option
    /// Why there is no finished run, where that is known.
    Fault: string option
}

/// Where a sweep keeps its job scripts and logs, and how its cells stand.
[<RequireQualifiedAccess>]
module Sweep =

    /// The same for every launch of the same cells.
    let id (sweep: Sweep) : string =
        let text = String.Join('\n', sweep.Cells |> List.map _.Identity |> List.sort)
        let hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes text))
        $"{sweep.Cells.Head.Configuration.Name}-{hash[..7]}"

    /// The sweep's own folder, in the folder of runs.
    let directory (sweep: Sweep) : string = Path.Combine(sweep.Runs, "sweeps", id sweep)

    /// Makes the sweep's own folder.
    let prepare (sweep: Sweep) : unit =
        try
            Directory.CreateDirectory(Path.Combine(directory sweep, "logs")) |> ignore
        with fault when (fault :? IOException || fault :? UnauthorizedAccessException) ->
            raise (
                RunException(
                    $"{sweep.Runs}: no run can be written here ({fault.Message.TrimEnd '.'}); --runs DIR chooses another folder.",
                    fault
                )
            )

    /// What a cell's last process printed.
    let log (sweep: Sweep) (cell: SweepCell) : string =
        Path.Combine(directory sweep, "logs", $"{cell.Index}.log")

    /// The sentence with which a cell's last process ended, if it left one.
    let lastWords (sweep: Sweep) (cell: SweepCell) : string option =
        try
            File.ReadLines(log sweep cell)
            |> Seq.filter (fun line -> line.StartsWith("ntmlab: ", StringComparison.Ordinal))
            |> Seq.tryLast
            |> Option.map (fun line -> line["ntmlab: ".Length ..])
        with :? IOException ->
            None

    let private outcome (cell: SweepCell) (state: CellState) run fault : CellOutcome = {
        Cell = cell
        State = state
        Run = run
        Fault = fault
    }

    /// How every cell stands. Asks runs whether a process holds them, so not for use while their processes start.
    let look (sweep: Sweep) : CellOutcome list =
        let known = RunCells.known sweep.Runs

        [
            for cell in sweep.Cells do
                match RunCells.look known cell.Identity with
                | RunCells.Done(record, directory) when record.Status = RunStatus.Finished ->
                    outcome cell Finished (Some(record, directory)) None
                | RunCells.Done(record, directory) ->
                    outcome cell Failed (Some(record, directory)) (Option.ofObj record.Fault)
                | RunCells.Stopped(record, directory) -> outcome cell Stopped (Some(record, directory)) None
                | RunCells.Elsewhere(record, directory) -> outcome cell Running (Some(record, directory)) None
                | RunCells.Missing -> outcome cell Missing None None
        ]

    /// The cells that a launch has to run.
    let isOpen (sweep: Sweep) (outcome: CellOutcome) : bool =
        match outcome.State with
        | Missing
        | Stopped -> true
        | Failed -> sweep.RetryFailed
        | Finished
        | Waiting
        | Running -> false
