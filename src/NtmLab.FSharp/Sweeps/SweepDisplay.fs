namespace NtmLab.Sweeps

open System
open System.Diagnostics
open System.Globalization
open NtmLab
open NtmLab.Runs
open NtmLab.Training
open Spectre.Console
open Spectre.Console.Rendering

/// How many cells stand how, for the line above the runs that go on.
type SweepCounts = { Ended: int; Failed: int; Waiting: int; All: int }

/// Shows a sweep while it goes on, on standard error.
type SweepDisplay =
    /// Shows the runs that go on.
    abstract Show: counts: SweepCounts * running: SweepCell list -> unit
    /// A sentence worth keeping on the screen.
    abstract Say: string -> unit

/// A live table in a terminal, plain lines elsewhere.
[<RequireQualifiedAccess>]
module SweepDisplay =

    let private header (counts: SweepCounts) : string =
        $"{counts.Ended} of {counts.All} ended, {counts.Failed} of them failed; {counts.Waiting} wait"

    /// The last batch of a run that goes on, if it has trained one.
    let private progress (known: RunCells.Known) (cell: SweepCell) : BatchReport option =
        RunCells.find known cell.Identity
        |> Option.bind (fun (_, directory) ->
            MetricsRows.Last<BatchReport>(RunFolder.MetricsOf directory)
            |> Option.ofNullable)

    let private describe (cell: SweepCell) (report: BatchReport option) : float * string =
        let all = cell.Configuration.Training.Sequences

        match report with
        | None -> 0.0, "starting"
        | Some report ->
            let score = report.WindowScore.ToString("G4", CultureInfo.InvariantCulture)

            min 1.0 (float report.Sequences / float all),
            $"{report.Sequences} of {all}   {cell.Configuration.Task.ScoreName()} {score}"

    let private plain (runs: string) : SweepDisplay =
        let sinceLines = Stopwatch.StartNew()

        {
            new SweepDisplay with
                member _.Say sentence = eprintfn "%s" sentence

                member _.Show(counts, running) =
                    if sinceLines.Elapsed.TotalSeconds >= 10.0 then
                        sinceLines.Restart()
                        let known = RunCells.known runs
                        eprintfn "%s" (header counts)

                        for cell in running do
                            eprintfn "  %s   %s" cell.Label (snd (describe cell (progress known cell)))
        }

    let private live (runs: string) (refresh: IRenderable -> unit) : SweepDisplay =
        let sinceDrawn = Stopwatch()
        let mutable notes: string list = []

        {
            new SweepDisplay with
                member _.Say sentence = notes <- sentence :: List.truncate 4 notes

                member _.Show(counts, running) =
                    if not sinceDrawn.IsRunning || sinceDrawn.Elapsed.TotalSeconds >= 1.0 then
                        sinceDrawn.Restart()
                        let known = RunCells.known runs
                        let grid = Grid().AddColumn(GridColumn().NoWrap()).AddColumn().AddColumn()
                        let row (cells: string list) = grid.AddRow(List.toArray cells) |> ignore

                        for cell in running do
                            let fraction, words = describe cell (progress known cell)
                            let filled = int (fraction * 24.0)
                            let bar = $"[green]{String('━', filled)}[/][grey]{String('━', 24 - filled)}[/]"
                            row [ Markup.Escape cell.Label; bar; Markup.Escape words ]

                        for note in List.rev notes do
                            row [ Markup.Escape note; ""; "" ]

                        refresh (Panel(grid).Header($" {header counts} ").RoundedBorder())
        }

    /// Carries out a sweep while showing how it goes.
    let follow (runs: string) (work: SweepDisplay -> 'T) : 'T =
        let console = AnsiConsole.Create(AnsiConsoleSettings(Out = AnsiConsoleOutput Console.Error))

        if Console.IsErrorRedirected || not console.Profile.Capabilities.Ansi then
            work (plain runs)
        else
            console
                .Live(Text "")
                .Start(fun context ->
                    work (
                        live runs (fun content ->
                            context.UpdateTarget content
                            context.Refresh())
                    ))
