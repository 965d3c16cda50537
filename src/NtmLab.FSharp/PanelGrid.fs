/// Panels that show the same series, in rows, with one legend below them all.
module internal NtmLab.PanelGrid

open ScottPlot
open NtmLab.ChartPage

/// The legend. It is a plot of its own: beside a panel it would take that panel's room.
let private legend (reference: string option) (entries: Plot -> unit) : Plot =
    let plot = newPlot ()

    for name in Option.toList reference do
        let line = plot.Add.Scatter(Array.empty<float>, Array.empty<float>, Colors.Gray)
        line.LinePattern <- LinePattern.Dotted
        line.MarkerSize <- 0f
        line.LegendText <- name

    entries plot
    plot.Layout.Frameless()
    plot.HideGrid()
    plot.ShowLegend(Alignment.UpperCenter, Orientation.Horizontal) |> ignore
    plot.Legend.FontSize <- 11f
    plot.Legend.InterItemPadding <- PixelPadding(5f, 5f, 2f, 2f)
    plot.Legend.OutlineColor <- Colors.Transparent
    plot.Legend.ShadowColor <- Colors.Transparent
    plot

/// A dotted line across a panel, at what can be had for nothing.
let refer (value: float) (plot: Plot) : unit =
    plot.Add.HorizontalLine(value, 1f, Colors.Gray, LinePattern.Dotted) |> ignore

/// Writes the grid as `path.png`, `path.svg` and `path.pdf`.
/// <param name="columns">Panels in a row, at most.</param>
/// <param name="width">Of a panel, in pixels of the layout, as is its height.</param>
/// <param name="reference">What the dotted line is called in the legend, if there is one.</param>
/// <param name="names">The series in the legend.</param>
/// <param name="entries">Adds these to it.</param>
/// <param name="panels">The panels, row by row.</param>
/// <param name="path">Without an ending.</param>
let draw
    (columns: int)
    (width: int, height: int)
    (reference: string option)
    (names: string list)
    (entries: Plot -> unit)
    (panels: Plot list)
    (path: string)
    : unit =
    let columns = min columns panels.Length
    let rows = (panels.Length + columns - 1) / columns
    let across, below = columns * width, rows * height
    // What does not fit is left out of a legend, so that the strip must have room for columns as wide as the longest name.
    let texts = Option.toList reference @ names
    let longest = texts |> List.map _.Length |> List.fold max 0
    let inRow = max 1 (across / (50 + 6 * longest))
    let strip = 16 * ((texts.Length + inRow - 1) / inRow) + 22

    let layout = {
        new IMultiplotLayout with
            member _.GetSubplotRectangles(_, _) = [|
                for index in 0 .. panels.Length - 1 do
                    let row, column = index / columns, index % columns
                    let x, y = float32 (column * width), float32 (row * height)
                    PixelRect(x, x + float32 width, y + float32 height, y)

                PixelRect(0f, float32 across, float32 (below + strip), float32 below)
            |]
    }

    for panel in panels do
        panel.HideLegend() |> ignore

    panels @ [ legend reference entries ]
    |> multiplot layout
    |> saveForPrint across (below + strip) path
