/// Shows a run while it goes on: a live panel in a terminal, plain lines elsewhere; always on standard error.
module NtmLab.Display

open System
open System.Diagnostics
open NtmLab.Runs
open NtmLab.Training
open Spectre.Console
open Spectre.Console.Rendering

/// Follows a training and shows what it hears.
type Display =
    abstract Trained: BatchReport -> unit
    abstract Evaluated: sequences: int64 * scores: LengthScore seq -> unit
    /// A sentence worth keeping on the screen.
    abstract Say: string -> unit

let private invariant = Globalization.CultureInfo.InvariantCulture
let private count (number: int64) : string = number.ToString("N0", invariant).Replace(',', ' ')

let private figure (number: float) : string =
    number.ToString((if number < 10.0 then "F3" else "F1"), invariant)

let private span (seconds: float) : string =
    if Double.IsFinite seconds then
        TimeSpan
            .FromSeconds(min seconds 359999.0)
            .ToString(if seconds < 3600.0 then @"m\:ss" else @"h\:mm\:ss")
    else
        "-"

/// Sequences a second over the last half minute: the start of a run is slower than the rest.
type private Speed() =
    let marks = Collections.Generic.Queue<struct (float * int64)>()

    member _.Add(report: BatchReport) : unit =
        marks.Enqueue(struct (report.Seconds, report.Sequences))

        while marks.Count > 2
              && report.Seconds - (let struct (seconds, _) = marks.Peek() in seconds) > 30.0 do
            marks.Dequeue() |> ignore

    member _.PerSecond(report: BatchReport) : float =
        let struct (seconds, sequences) = marks.Peek()

        if marks.Count > 1 && report.Seconds > seconds then
            float (report.Sequences - sequences) / (report.Seconds - seconds)
        else
            float report.Sequences / max report.Seconds 1e-3

/// The last values as a row of bars, oldest left.
let private sparkline (values: float seq) : string =
    let bars = "▁▂▃▄▅▆▇█"
    let values = Seq.toArray values

    let top =
        if values.Length = 0 then
            1.0
        else
            max (Array.max values) 1e-9

    values
    |> Array.map (fun value -> bars[int (Math.Round(value / top * float (bars.Length - 1)))])
    |> String

let private describeScores (record: RunRecord) (scores: LengthScore seq) : string =
    let each = scores |> Seq.map (fun score -> $"{score.Length}: {figure score.Score}")
    $"{record.ScoreName} by length  " + String.Join("   ", each)

let private plain (record: RunRecord) (options: TrainingOptions) (err: IO.TextWriter) : Display =
    let speed = Speed()
    let sinceLine = Stopwatch.StartNew()
    let mutable first = true

    {
        new Display with
            member _.Trained report =
                speed.Add report

                if
                    first
                    || sinceLine.Elapsed.TotalSeconds >= 5.0
                    || report.Sequences >= options.Sequences
                then
                    first <- false
                    sinceLine.Restart()
                    let rate = speed.PerSecond report

                    err.WriteLine(
                        $"{count report.Sequences} of {count options.Sequences} sequences   "
                        + $"loss {figure report.Loss} {record.LossName}   {record.ScoreName} {figure report.WindowScore}   "
                        + $"{figure rate} sequences/s   at most {span (float (options.Sequences - report.Sequences) / rate)} left"
                    )

            member _.Evaluated(sequences, scores) =
                err.WriteLine $"{count sequences} sequences   {describeScores record scores}"

            member _.Say sentence = err.WriteLine sentence
    }

let private live
    (record: RunRecord)
    (options: TrainingOptions)
    (console: IAnsiConsole)
    (refresh: IRenderable -> unit)
    : Display =
    let speed = Speed()
    let sinceDrawn = Stopwatch.StartNew()
    let losses = Collections.Generic.Queue<float>()
    let mutable loss = nan
    let mutable notes: string list = []
    let mutable last: BatchReport option = None

    let draw () =
        let grid = Grid().AddColumn(GridColumn().NoWrap()).AddColumn(GridColumn())
        let row (name: string) (value: string) = grid.AddRow($"[grey]{name}[/]", value) |> ignore

        match last with
        | None -> row "waiting" "for the first batch"
        | Some report ->
            let rate = speed.PerSecond report
            let fraction = float report.Sequences / float options.Sequences
            let filled = int (min 1.0 fraction * 40.0)
            let bar = $"[green]{String('━', filled)}[/][grey]{String('━', 40 - filled)}[/]"
            row "sequences" $"{bar} {count report.Sequences} of {count options.Sequences}"
            row "loss" $"[bold]{figure loss}[/] {record.LossName}   [blue]{sparkline losses}[/]"

            row
                record.ScoreName
                $"[bold]{figure report.WindowScore}[/] over the last {options.Solved.Window}; solved at {figure options.Solved.Score}"

            row "speed" $"{figure rate} sequences/s"
            let left = float (options.Sequences - report.Sequences) / rate
            row "time" $"{span report.Seconds} spent, at most {span left} left"

        for note in List.rev notes do
            row "" (Markup.Escape note)

        refresh (Panel(grid).Header($" {record.Id}: {record.Model} on {record.Task} ").RoundedBorder())

    {
        new Display with
            member _.Trained report =
                speed.Add report
                last <- Some report
                // Batches differ in length, so their losses do too: the running mean is what shows progress.
                loss <-
                    if Double.IsNaN loss then
                        report.Loss
                    else
                        0.95 * loss + 0.05 * report.Loss

                if sinceDrawn.Elapsed.TotalMilliseconds >= 200.0 || report.Batch = 1L then
                    losses.Enqueue loss

                    if losses.Count > 40 then
                        losses.Dequeue() |> ignore

                    draw ()
                    sinceDrawn.Restart()

            member _.Evaluated(sequences, scores) =
                notes <-
                    $"{count sequences} sequences: {describeScores record scores}"
                    :: List.truncate 4 notes

                draw ()

            member _.Say sentence =
                notes <- sentence :: List.truncate 4 notes
                draw ()
    }

/// A console on standard error.
let private errorConsole () : IAnsiConsole =
    AnsiConsole.Create(AnsiConsoleSettings(Out = AnsiConsoleOutput Console.Error))

/// Runs work while showing what it reports.
let follow (record: RunRecord) (options: TrainingOptions) (work: Display -> 'T) : 'T =
    let console = errorConsole ()

    if Console.IsErrorRedirected || not console.Profile.Capabilities.Ansi then
        work (plain record options Console.Error)
    else
        let view = console.Live(Text "")
        view.AutoClear <- false

        view.Start(fun context ->
            let refresh (content: IRenderable) =
                context.UpdateTarget content
                context.Refresh()

            work (live record options console refresh))

/// The scores of a finished run as a table, on standard output.
let scores (record: RunRecord) : unit =
    let table = Table().RoundedBorder()

    let countsSlots = record.Evaluation |> Seq.exists _.SlotsUsed.HasValue

    for heading in
        [
            "length"
            record.ScoreName
            "perfect"
            if countsSlots then
                "slots used"
        ] do
        table.AddColumn(TableColumn(heading).RightAligned()) |> ignore

    for score in record.Evaluation do
        let perfect = score.PerfectFraction.ToString("P0", invariant)

        let value = score.Score
        let text = value.ToString((if value = 0.0 || abs value >= 0.1 then "F2" else "G2"), invariant)

        table.AddRow [|
            string score.Length
            text
            perfect
            if countsSlots then
                score.SlotsUsed
                |> Option.ofNullable
                |> Option.map _.ToString("F1", invariant)
                |> Option.defaultValue "-"
        |]
        |> ignore

    AnsiConsole.Write table

/// How a run was trained, in words.
let private training (record: RunRecord) : string =
    let solved =
        match Option.ofNullable record.SolvedAtSequences, Option.ofNullable record.SolvedAtSeconds with
        | Some sequences, Some seconds -> $"solved after {count sequences} sequences, {span seconds}"
        | _ -> "not solved within its budget"

    let skipped =
        if record.SkippedBatches > 0L then
            $", {count record.SkippedBatches} batches skipped"
        else
            ""

    $"{solved}; trained {count record.Sequences} sequences in {span record.Seconds}{skipped}"

/// How a run ended, in one line, on standard output.
let outcome (record: RunRecord) : unit =
    let words =
        match record.Imported with
        | null -> training record
        | origin -> $"weights imported from {origin.File} for the model of {origin.Like}"

    Console.Out.WriteLine $"{record.Id}: {words}."

/// Several runs of one task side by side, on standard output: the score at the last length that was evaluated.
let comparison (records: RunRecord list) : unit =
    let table = Table().RoundedBorder()
    let both (texts: string seq) = texts |> Seq.distinct |> String.concat ", "

    let lengths =
        records
        |> Seq.collect (fun record -> Seq.tryLast record.Evaluation |> Option.toList)
        |> Seq.map (fun score -> score.Length)

    let names = records |> Seq.map (fun record -> record.ScoreName)
    let score = $"{both names} at {both (Seq.map string lengths)}"
    table.AddColumn(TableColumn("experiment").NoWrap()) |> ignore

    for heading in [ "parameters"; score; "solved after"; "seconds" ] do
        table.AddColumn(TableColumn(heading).RightAligned()) |> ignore

    for record in records do
        let last =
            match Seq.tryLast record.Evaluation with
            | Some score -> score.Score.ToString("F3", invariant)
            | None -> record.Status.ToString().ToLowerInvariant()

        let solved =
            match Option.ofNullable record.SolvedAtSequences with
            | Some sequences -> count sequences
            | None -> $"not in {count record.Sequences}"

        table.AddRow(
            Markup.Escape record.Name,
            count record.Parameters,
            last,
            solved,
            record.Seconds.ToString("F1", invariant)
        )
        |> ignore

    AnsiConsole.Write table
