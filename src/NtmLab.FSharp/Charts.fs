/// Charts of training and of scores by length. Each is written twice: as PNG and as SVG.
module NtmLab.Charts

open System
open NtmLab.ChartPage
open NtmLab.Probes
open NtmLab.Tasks
open NtmLab.Training
open ScottPlot

let private invariant = Globalization.CultureInfo.InvariantCulture

let private bold = Colors.C0
let private faint = Colors.C0.WithAlpha 0.25

/// The mean of each run of neighbours, at most this many of them, with the mean of their places.
let private thin (most: int) (points: (float * float)[]) : (float * float)[] =
    let size = max 1 ((points.Length + most - 1) / most)

    points
    |> Array.chunkBySize size
    |> Array.map (fun run -> Array.averageBy fst run, Array.averageBy snd run)

/// Values on a logarithmic axis, cut off below: a score of 0 has no logarithm.
let private logarithm (least: float) (value: float) : float = Math.Log10(max least value)

/// Ticks of a logarithmic axis between two exponents; in a narrow range also within a decade. What lies at `least` is cut off.
let private logTicks (least: float) (bottom: float) (top: float) (plot: Plot) : unit =
    let within = if top - bottom < 1.6 then [ 1.0; 2.0; 5.0 ] else [ 1.0 ]

    let ticks = [|
        for exponent in int (Math.Floor bottom) .. int (Math.Ceiling top) do
            for factor in within do
                let value = factor * 10.0 ** float exponent
                let text = value.ToString("G4", invariant)

                if Math.Log10 value >= bottom then
                    Math.Log10 value, (if value <= least * 1.0001 then $"\u2264 {text}" else text)
    |]

    plot.Axes.Left.SetTicks(Array.map fst ticks, Array.map snd ticks)

let private curve (plot: Plot) (points: (float * float)[]) (color: Color) (width: float32) : unit =
    if points.Length > 0 then
        let line = plot.Add.ScatterLine(Array.map fst points, Array.map snd points, color)
        line.LineWidth <- width

/// What a known predictor reaches, along a training: at sequences trained, at the length of that time.
type Reference = { Name: string; Reaches: (float * TaskReference)[] }

/// One panel of a learning curve: every batch faint, a smooth line bold, and references as thin lines with their names.
let private history
    (least: float)
    (name: string)
    (raw: (float * float)[])
    (smooth: (float * float)[])
    (references: (string * (float * float)[]) list)
    : Plot =
    let toLog = Array.map (fun (x, y) -> x, logarithm least y)
    let raw, smooth = toLog (thin 1500 raw), toLog (thin 400 smooth)

    // A reference at 0 has no place on a logarithmic axis.
    let references = [
        for name, points in references do
            if points |> Array.exists (fun (_, y) -> y > least) then
                name, toLog (thin 200 points)
    ]

    let plot = newPlot ()
    curve plot raw faint 1f

    for index, (name, line) in List.indexed references do
        curve plot line Colors.Gray 1.5f

        for x, y in Array.tryLast line |> Option.toList do
            let label = plot.Add.Text(name, x, y)
            label.LabelFontColor <- Colors.Gray
            label.LabelFontSize <- 12f
            // The first is above what a run reaches, the others are below.
            label.LabelAlignment <-
                if index = 0 then
                    Alignment.LowerRight
                else
                    Alignment.UpperRight

    curve plot smooth bold 2.5f
    plot.YLabel(name, 13f)
    plot.Axes.Left.MinimumSize <- 80f
    plot.Axes.Right.MinimumSize <- 30f
    let shown = Array.concat (raw :: smooth :: List.map snd references)

    if shown.Length > 0 then
        let heights = Array.map snd shown
        let bottom = max (Math.Log10 least - 0.15) (Array.min heights - 0.1)
        let top = Array.max heights + 0.25
        logTicks least bottom top plot
        plot.Axes.SetLimitsY(bottom, top)
        plot.Axes.SetLimitsX(0.0, (shown |> Array.map fst |> Array.max) * 1.01)

    plot

/// Loss and score against sequences trained, both on logarithmic axes.
/// The score is smoothed over the window in which "solved" is decided; `solvedScore` is drawn as a line, and so are the
/// references.
let learningCurve
    (title: string)
    (lossName: string, scoreName: string)
    (solvedScore: float)
    (solvedAt: int64 option)
    (rows: BatchReport[])
    (references: Reference list)
    (path: string)
    : unit =
    let points (value: BatchReport -> float) = rows |> Array.map (fun row -> float row.Sequences, value row)
    let loss = points _.Loss

    let along (value: TaskReference -> float) = [
        for reference in references ->
            reference.Name, reference.Reaches |> Array.map (fun (x, y) -> x, value y)
    ]

    let lossPanel = history 1e-3 lossName loss (thin 200 loss) (along _.Loss)

    let scorePanel =
        history 1e-2 $"{scoreName}, mean" (points _.Score) (points _.WindowScore) (along _.Score)

    lossPanel.Title(title, 15f)
    scorePanel.XLabel("sequences trained", 13f)

    let line =
        scorePanel.Add.HorizontalLine(logarithm 1e-2 solvedScore, 1.5f, Colors.C2, LinePattern.Dashed)

    line.EnableAutoscale <- false

    for panel in [ lossPanel; scorePanel ] do
        for sequences in Option.toList solvedAt do
            panel.Add.VerticalLine(float sequences, 1.5f, Colors.C2, LinePattern.Dashed)
            |> ignore

    for sequences in Option.toList solvedAt do
        let limits = scorePanel.Axes.GetLimits()
        let mark = scorePanel.Add.Text($" solved at {sequences} ", float sequences, limits.Top)
        mark.LabelFontColor <- Colors.C2
        mark.LabelFontSize <- 13f

        // On the side of the line that has more room.
        mark.LabelAlignment <-
            if float sequences < (limits.Left + limits.Right) / 2.0 then
                Alignment.UpperLeft
            else
                Alignment.UpperRight

    multiplot (MultiplotLayouts.Rows()) [ lossPanel; scorePanel ]
    |> save 900 640 path

/// Score against length, on a logarithmic axis of scores; the lengths trained on are shaded.
let generalisation
    (title: string)
    (scoreName: string)
    (trainedTo: int)
    (scores: LengthScore seq)
    (path: string)
    : unit =
    let least = 1e-2
    let plot = newPlot ()
    let xs = [| for score in scores -> float score.Length |]
    let ys = [| for score in scores -> logarithm least score.Score |]

    let span = plot.Add.HorizontalSpan(0.0, float trainedTo)
    span.FillStyle.Color <- Colors.C2.WithAlpha 0.15
    span.LineStyle.Width <- 0f
    span.LegendText <- "trained on"

    let line = plot.Add.Scatter(xs, ys, bold)
    line.LineWidth <- 2f
    line.MarkerSize <- 9f
    line.LegendText <- "this run"
    logTicks least (Math.Log10 least) 4.0 plot
    plot.Title(title, 15f)
    plot.XLabel("length", 13f)
    plot.YLabel($"{scoreName}, mean", 13f)
    plot.Axes.SetLimits(0.0, Array.max xs * 1.05, Math.Log10 least - 0.2, max 1.0 (Array.max ys + 0.3))
    plot.ShowLegend Alignment.UpperLeft |> ignore
    multiplot (MultiplotLayouts.Rows()) [ plot ] |> save 800 420 path
