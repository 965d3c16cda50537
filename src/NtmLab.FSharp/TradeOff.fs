/// What is gained against what it costs: several ways of doing something, each at several settings, each over several seeds.
module NtmLab.TradeOff

open System
open ScottPlot
open NtmLab.ChartPage

/// One setting of one way, over its seeds.
type Choice = {
    /// The way: all its settings have one colour and one line.
    Way: string
    /// What it costs, for each seed.
    Costs: float list
    /// What it gains, for each seed.
    Gains: float list
}

/// Choices under one heading.
type Panel = { Heading: string; Choices: Choice list }

/// Costs are counts: less than one is drawn as one.
let private logarithm (cost: float) : float = Math.Log10(max cost 1.0)

let private markers = [|
    MarkerShape.FilledCircle
    MarkerShape.FilledSquare
    MarkerShape.FilledTriangleUp
    MarkerShape.FilledDiamond
    MarkerShape.FilledTriangleDown
    MarkerShape.OpenCircle
    MarkerShape.OpenSquare
    MarkerShape.OpenTriangleUp
    MarkerShape.OpenDiamond
    MarkerShape.OpenTriangleDown
    MarkerShape.Eks
|]

let private colours = Palettes.Category10().Colors

/// One way's settings: medians joined from cheap to dear, with bars from the least to the greatest seed.
let private series (plot: Plot) (index: int) (way: string) (choices: Choice list) : unit =
    let colour = colours[index % colours.Length]
    let choices = choices |> List.sortBy (fun choice -> Statistics.median choice.Costs)
    let logs = List.map logarithm

    let points =
        choices
        |> List.map (fun choice -> logs choice.Costs, choice.Gains)
        |> List.map (fun (costs, gains) -> Statistics.median costs, Statistics.median gains, costs, gains)

    let xs = [| for x, _, _, _ in points -> x |]
    let ys = [| for _, y, _, _ in points -> y |]

    let bars =
        Plottables.ErrorBar(
            xs,
            ys,
            xErrorsPositive = [| for x, _, costs, _ in points -> List.max costs - x |],
            xErrorsNegative = [| for x, _, costs, _ in points -> x - List.min costs |],
            yErrorsPositive = [| for _, y, _, gains in points -> List.max gains - y |],
            yErrorsNegative = [| for _, y, _, gains in points -> y - List.min gains |]
        )

    bars.Color <- colour.WithAlpha 0.5
    plot.Add.Plottable bars |> ignore
    let line = plot.Add.Scatter(xs, ys, colour)
    line.LineWidth <- 1.5f
    line.MarkerSize <- 7f
    line.MarkerShape <- markers[index % markers.Length]
    line.LegendText <- way

let private ticks (from: float) (upTo: float) (plot: Plot) : unit =
    let places = [|
        for exponent in int (floor from) .. int (ceil upTo) do
            for factor in [ 1.0; 2.0; 5.0 ] do
                let value = factor * 10.0 ** float exponent
                let place = Math.Log10 value

                if place >= from && place <= upTo then
                    let text = value.ToString("G4", Globalization.CultureInfo.InvariantCulture)
                    place, (if value = 1.0 then $"\u2264 {text}" else text)
    |]

    plot.Axes.Bottom.SetTicks(Array.map fst places, Array.map snd places)

/// Draws the panels side by side as `path.png`, `path.svg` and `path.pdf`, the legend below them: gains against costs, on a logarithmic
/// axis of costs. Points are medians over the seeds, bars reach from the least to the greatest. The same way has the same colour in all
/// panels. A reference line says what can be had for nothing.
let draw
    (costName: string)
    (gainName: string)
    (reference: string * float)
    (panels: Panel list)
    (path: string)
    : unit =
    let ways =
        [
            for panel in panels do
                for choice in panel.Choices -> choice.Way
        ]
        |> List.distinct

    let costs = [
        for panel in panels do
            for choice in panel.Choices do
                yield! choice.Costs
    ]

    let from, upTo = logarithm (List.min costs) - 0.1, logarithm (List.max costs) + 0.1

    let nothing, value = reference

    let plots = [
        for panel in panels do
            let plot = newPlot ()
            PanelGrid.refer value plot

            for index, way in List.indexed ways do
                match panel.Choices |> List.filter (fun choice -> choice.Way = way) with
                | [] -> ()
                | choices -> series plot index way choices

            plot.Title(panel.Heading, 13f)
            plot.XLabel(costName, 12f)
            plot.YLabel(gainName, 12f)
            ticks from upTo plot
            plot.Axes.SetLimits(from, upTo, -0.03, 1.04)
            plot
    ]

    let entries (plot: Plot) =
        for index, way in List.indexed ways do
            series plot index way []

    PanelGrid.draw plots.Length (400, 320) (Some nothing) ways entries plots path
