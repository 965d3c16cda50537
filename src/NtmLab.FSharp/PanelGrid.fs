/// Panels that show the same series, in rows, with one legend below them all.
module internal NtmLab.PanelGrid

open ScottPlot
open NtmLab.ChartPage

/// The legend. It is a plot of its own: beside a panel it would take that panel's room.
let private legend (entries: Plot -> unit) : Plot =
    let plot = newPlot ()
    entries plot
    plot.Layout.Frameless()
    plot.HideGrid()
    plot.ShowLegend(Alignment.UpperCenter, Orientation.Horizontal) |> ignore
    plot.Legend.FontSize <- 11f
    plot.Legend.InterItemPadding <- PixelPadding(5f, 5f, 2f, 2f)
    plot.Legend.OutlineColor <- Colors.Transparent
    plot.Legend.ShadowColor <- Colors.Transparent
    plot

/// Writes the grid as `path.png`, `path.svg` and `path.pdf`.
/// `columns`: panels in a row, at most; `width`, `height`: of a panel, in pixels of the layout; `names`: all that the legend names, which
/// `entries` adds to it.
let draw
    (columns: int)
    (width: int, height: int)
    (names: string list)
    (entries: Plot -> unit)
    (panels: Plot list)
    (path: string)
    : unit =
    let columns = min columns panels.Length
    let rows = (panels.Length + columns - 1) / columns
    let across, below = columns * width, rows * height
    // What does not fit is left out of a legend, so that the strip must have room for columns as wide as the longest name.
    let longest = names |> List.map _.Length |> List.fold max 0
    let inRow = max 1 (across / (50 + 6 * longest))
    let strip = 16 * ((names.Length + inRow - 1) / inRow) + 22

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

    panels @ [ legend entries ]
    |> multiplot layout
    |> saveForPrint across (below + strip) path
