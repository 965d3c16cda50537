/// Lines of several models against a number that grows by factors, such as a lag, each point over several seeds.
module NtmLab.Lines

open System
open ScottPlot
open NtmLab.ChartPage

/// One line.
type Series = {
    /// Lines of the same name have the same colour and mark in all panels.
    Name: string
    /// Positions, and at each the values of all seeds: a line joins the medians, and each seed is a small mark.
    Points: (float * float list) list
}

/// Lines under one heading. Where there are several seeds, lines are set apart a little, so that those that coincide can be told apart.
type Panel = { Heading: string; Series: Series list }

/// How values are laid out.
type Scale =
    /// Evenly, between two bounds.
    | Even of low: float * high: float
    /// By factors; values below the least are drawn there.
    | ByFactors of least: float

/// What a figure of lines shows.
type Figure = {
    XName: string
    YName: string
    Scale: Scale
    /// A dotted line: its name and its value.
    Reference: (string * float) option
    Panels: Panel list
    /// Panels in a row.
    Columns: int
    /// Width and height of a panel in pixels of the layout.
    Panel: int * int
}

let private invariant = Globalization.CultureInfo.InvariantCulture
let private colours = Palettes.Category10().Colors

let private markers = [|
    MarkerShape.FilledCircle
    MarkerShape.FilledSquare
    MarkerShape.FilledTriangleUp
    MarkerShape.FilledDiamond
    MarkerShape.OpenCircle
    MarkerShape.OpenSquare
    MarkerShape.OpenTriangleUp
|]

let private place (scale: Scale) (value: float) : float =
    match scale with
    | Even _ -> value
    | ByFactors least -> Math.Log10(max least value)

let private powers (low: float) (high: float) (text: float -> string) : float[] * string[] =
    // Ten labels at most.
    let step = max 1 (int (ceil ((high - low) / 10.0)))

    let exponents = [| for exponent in int (ceil low) .. step .. int (floor high) -> float exponent |]

    exponents, exponents |> Array.map (fun exponent -> text (10.0 ** exponent))

let private short (value: float) : string =
    if value >= 1e-3 && value < 1e6 then
        value.ToString("#,0.######", invariant).Replace(',', ' ')
    else
        value.ToString("0E+0", invariant)

/// Whether a series has several seeds at any position.
let private hasSeeds (series: Series) : bool =
    series.Points |> List.exists (fun (_, values) -> values.Length > 1)

/// Adds a series, moved to the right by a distance in the units of the axis.
let private addSeries (plot: Plot) (scale: Scale) (apart: float) (index: int) (series: Series) : unit =
    let colour = colours[index % colours.Length]

    let points =
        series.Points
        |> List.filter (fun (_, values) -> not values.IsEmpty)
        |> List.sortBy fst
        |> List.map (fun (x, values) -> Math.Log10 x + apart, List.map (place scale) values)

    let xs = [| for x, _ in points -> x |]
    let ys = [| for _, values in points -> Statistics.median values |]

    if hasSeeds series then
        let seeds = [|
            for x, values in points do
                for value in values -> Coordinates(x, value)
        |]

        plot.Add.Markers(seeds, MarkerShape.FilledCircle, 4f, colour.WithAlpha 0.4)
        |> ignore

    let line = plot.Add.Scatter(xs, ys, colour)
    line.LineWidth <- 1.5f
    line.MarkerSize <- 6f
    line.MarkerShape <- markers[index % markers.Length]

    line.LinePattern <-
        if index >= colours.Length then
            LinePattern.Dashed
        else
            LinePattern.Solid

    line.LegendText <- series.Name

/// Draws the panels as `path.png`, `path.svg` and `path.pdf`; the legend stands below them.
let draw (figure: Figure) (path: string) : unit =
    let names =
        [
            for panel in figure.Panels do
                for series in panel.Series -> series.Name
        ]
        |> List.distinct

    let positions = [
        for panel in figure.Panels do
            for series in panel.Series do
                for x, _ in series.Points -> Math.Log10 x
    ]

    let values = [
        for panel in figure.Panels do
            for series in panel.Series do
                for _, found in series.Points do
                    yield! List.map (place figure.Scale) found
    ]

    let left, right = List.min positions - 0.15, List.max positions + 0.15

    // Lines share two fifths of the way to the next position.
    let width =
        match positions |> List.distinct |> List.sort |> List.pairwise with
        | [] -> 0.0
        | neighbours -> neighbours |> List.map (fun (x, next) -> next - x) |> List.min |> (*) 0.4

    let apart (panel: Panel) (index: int) : float =
        if panel.Series |> List.exists hasSeeds then
            width * (float (index + 1) / float (panel.Series.Length + 1) - 0.5)
        else
            0.0

    let bottom, top =
        match figure.Scale with
        | Even(low, high) -> low, high
        | ByFactors _ -> List.min values - 0.3, List.max values + 0.3

    let plotOf (index: int) (panel: Panel) : Plot =
        let plot = newPlot ()

        for _, value in Option.toList figure.Reference do
            PanelGrid.refer (place figure.Scale value) plot

        for place, series in List.indexed panel.Series do
            let index = names |> List.findIndex ((=) series.Name)
            addSeries plot figure.Scale (apart panel place) index series

        if panel.Heading <> "" then
            plot.Title(panel.Heading, 13f)

        plot.Axes.Bottom.TickLabelStyle.FontSize <- 11f
        plot.XLabel(figure.XName, 12f)

        if index % figure.Columns = 0 then
            plot.YLabel(figure.YName, 12f)

        let places, texts =
            match List.distinct positions with
            | few when few.Length <= 8 ->
                let places = few |> List.sort |> List.toArray
                places, places |> Array.map (fun place -> short (Math.Round(10.0 ** place)))
            | _ -> powers left right short

        plot.Axes.Bottom.SetTicks(places, texts)

        match figure.Scale with
        | Even _ -> ()
        | ByFactors least ->
            let places, texts =
                powers bottom top (fun value ->
                    if value <= least * 1.0001 then
                        $"\u2264 {short value}"
                    else
                        short value)

            plot.Axes.Left.SetTicks(places, texts)

        plot.Axes.SetLimits(left, right, bottom, top)
        plot

    let entries (plot: Plot) =
        for index, name in List.indexed names do
            addSeries plot figure.Scale 0.0 index { Name = name; Points = [] }

    let reference = Option.map fst figure.Reference
    PanelGrid.draw figure.Columns figure.Panel reference names entries (List.mapi plotOf figure.Panels) path
