/// Heatmaps over time and slots: what went in and came out, what heads did, what a memory holds. Each is written twice: as PNG and as SVG.
module NtmLab.Heatmaps

open System
open NtmLab.ChartPage
open NtmLab.Probes
open ScottPlot

/// A heatmap of `[row, time]`, row 0 on top, without axes of its own.
let private heatmap (colormap: IColormap) (low: float) (high: float) (values: float32[,]) : Plot =
    let plot = newPlot ()
    let map = plot.Add.Heatmap(Array2D.map float values)
    map.Colormap <- colormap
    map.ManualRange <- Range(low, high)
    map.Smooth <- false
    let rows, columns = Array2D.length1 values, Array2D.length2 values
    plot.Axes.SetLimits(-0.5, float columns - 0.5, -0.5, float rows - 0.5)
    plot.Grid.IsVisible <- false
    plot.Axes.Left.SetTicks([||], [||])
    plot

/// Names some rows of a heatmap, counted from the top, by what `name` gives.
let private rowTicks (rows: int) (every: int) (name: int -> string) (plot: Plot) : unit =
    let numbers = [| 0..every .. rows - 1 |]

    plot.Axes.Left.SetTicks(
        numbers |> Array.map (fun row -> float (rows - 1 - row)),
        numbers |> Array.map name
    )

/// Gives a panel of a column fixed margins, so that all panels line up; only the last shows time.
let private inColumn (left: float32) (isFirst: bool) (isLast: bool) (name: string) (plot: Plot) : unit =
    plot.YLabel(name, 13f)
    plot.Layout.Fixed(PixelPadding(left, 12f, (if isLast then 48f else 8f), (if isFirst then 40f else 8f)))

    if isLast then
        plot.XLabel("time step", 13f)
    else
        plot.Axes.Bottom.SetTicks([||], [||])

let private greys: IColormap = Colormaps.GrayscaleReversed()
let private diverging: IColormap = Colormaps.Balance()
let private focus: IColormap = Colormaps.Inferno()

/// Values of any range: from white at 0 to black, or, where some are negative, around 0.
let private values (content: float32[,]) : Plot =
    let all = Seq.cast<float32> content |> Seq.map float |> Seq.append [ 0.0 ]
    let least, most = Seq.min all, Seq.max all

    if least < 0.0 then
        let reach = max 1.0 (max -least most)
        heatmap diverging -reach reach content
    else
        heatmap greys 0.0 (max 1.0 most) content

/// Divides a part of a figure among the panels of a column by their shares.
let private columnRectangles
    (shares: float list)
    (figure: PixelRect)
    (from: float32)
    (until: float32)
    : PixelRect list =
    // The margins of the first and last panel are theirs alone; what is left is shared out.
    let last = shares.Length - 1
    let margin index = 16f + (if index = 0 then 32f else 0f) + (if index = last then 40f else 0f)
    let margins = List.init shares.Length margin
    let room = figure.Height - List.sum margins
    let whole = float32 (List.sum shares)
    let heights = List.map2 (fun margin share -> margin + room * float32 share / whole) margins shares

    [
        for top, bottom in List.scan (+) figure.Top heights |> List.pairwise ->
            PixelRect(figure.Left + figure.Width * from, figure.Left + figure.Width * until, bottom, top)
    ]

/// What one panel of a picture shows: `[channel, time]`, channel 0 on top.
type Panel = {
    Name: string
    Values: float32[,]
    /// A name for each channel; without any, or with more than can be read, none is shown.
    Channels: string list
}

/// The most channels that are named.
let private namedChannels = 40

/// Panels below one another.
let panels (title: string) (panels: Panel list) (path: string) : unit =
    let last = panels.Length - 1
    let isNamed (panel: Panel) = not panel.Channels.IsEmpty && panel.Channels.Length <= namedChannels
    let left = if List.exists isNamed panels then 120f else 64f

    let draw index (panel: Panel) =
        let plot = values panel.Values
        inColumn left (index = 0) (index = last) panel.Name plot

        if isNamed panel then
            rowTicks panel.Channels.Length 1 (fun channel -> panel.Channels[channel]) plot

        if index = 0 then
            plot.Title(title, 15f)

        plot

    let height (panel: Panel) =
        if isNamed panel then
            float (16 * panel.Channels.Length)
        else
            float (Math.Clamp(14 * Array2D.length1 panel.Values, 16, 160))

    let heights = panels |> List.map height

    let layout = {
        new IMultiplotLayout with
            member _.GetSubplotRectangles(_, figure) = List.toArray (columnRectangles heights figure 0f 1f)
    }

    let columns =
        panels
        |> List.map (fun panel -> Array2D.length2 panel.Values)
        |> List.fold max 1

    let width = Math.Clamp(240 + 14 * columns, 560, 1400)

    panels
    |> List.mapi draw
    |> multiplot layout
    |> save width (int (List.sum heights) + 16 * panels.Length + 72) path

/// Vectors over time as `[entry, time]`.
let private overTime (vectors: float32[] seq) : float32[,] =
    let vectors = Seq.toArray vectors
    Array2D.init vectors[0].Length vectors.Length (fun entry time -> vectors[time][entry])

/// The run of slots, counted around the circle that they form, that holds all that any head ever touches, with a margin
/// on both sides: its first slot and its length.
let private slotsUsed (steps: HeadStep seq) : int * int =
    let slots = (Seq.head steps).ReadWeighting[0].Length
    let used = Array.create slots false

    for step in steps do
        for weighting in Seq.append step.ReadWeighting step.WriteWeighting do
            weighting
            |> Array.iteri (fun slot weight ->
                if weight > 0.05f then
                    used[slot] <- true)

    // The longest run of unused slots that ends just before a used one is what is left out.
    let unusedBefore slot =
        Seq.initInfinite (fun back -> used[(slot + slots - 1 - back) % slots])
        |> Seq.truncate slots
        |> Seq.takeWhile not
        |> Seq.length

    match
        [
            for slot in 0 .. slots - 1 do
                if used[slot] then
                    slot, unusedBefore slot
        ]
    with
    | [] -> 0, slots
    | candidates ->
        let first, unused = candidates |> List.maxBy snd
        let margin = min (unused / 2) (max 2 ((slots - unused) / 10))
        (first + slots - margin) % slots, slots - unused + 2 * margin

/// What the heads did, as in figure 6 of Graves et al. 2014: on the left inputs, add vectors and write weightings, on the
/// right outputs, read vectors and read weightings; time runs to the right. Every head has panels of its own. Only the
/// slots in use are shown, counted around the circle that they form; `input` and `output` are `[channel, time]`.
let heads
    (title: string)
    (input: float32[,])
    (output: float32[,])
    (steps: Collections.Generic.IReadOnlyList<HeadStep>)
    (path: string)
    : unit =
    let first = steps[0]
    let slots = first.ReadWeighting[0].Length
    let firstShown, shown = slotsUsed steps
    let slotOf row = (firstShown + row) % slots

    let vectors (select: HeadStep -> float32[]) =
        steps |> Seq.map select |> overTime |> heatmap diverging -1.0 1.0

    let weightings (select: HeadStep -> float32[]) =
        let plot =
            steps
            |> Seq.map (fun step -> Array.init shown (fun row -> (select step)[slotOf row]))
            |> overTime
            |> heatmap focus 0.0 1.0

        rowTicks shown (max 5 (shown / 40 * 10)) (slotOf >> string) plot
        plot

    let number head heads = if heads > 1 then $" {head + 1}" else ""
    let writeHeads, readHeads = first.WriteWeighting.Count, first.ReadWeighting.Count

    let left = [
        "inputs", values input, 1.0
        for head in 0 .. writeHeads - 1 do
            $"adds{number head writeHeads}", vectors (fun step -> step.Add[head]), 1.2
        for head in 0 .. writeHeads - 1 do
            $"write weighting{number head writeHeads} (slot)",
            weightings (fun step -> step.WriteWeighting[head]),
            3.0
    ]

    let right = [
        "outputs", values output, 1.0
        for head in 0 .. readHeads - 1 do
            $"reads{number head readHeads}", vectors (fun step -> step.Reads[head]), 1.2
        for head in 0 .. readHeads - 1 do
            $"read weighting{number head readHeads} (slot)",
            weightings (fun step -> step.ReadWeighting[head]),
            3.0
    ]

    for column, heading in [ left, $"{title}: writing"; right, "reading" ] do
        column
        |> List.iteri (fun index (name, plot, _) ->
            inColumn 64f (index = 0) (index = column.Length - 1) name plot)

        let _, top, _ = column.Head
        top.Title(heading, 15f)

    let height = 180 + 220 * (1 + max readHeads writeHeads)

    let rectangles (column: (string * Plot * float) list) =
        columnRectangles (column |> List.map (fun (_, _, share) -> share))

    let layout = {
        new IMultiplotLayout with
            member _.GetSubplotRectangles(_, figure) = [|
                yield! rectangles left figure 0f 0.5f
                yield! rectangles right figure 0.5f 1f
            |]
    }

    let columns = Array2D.length2 input
    let width = Math.Clamp(360 + 16 * columns, 900, 1800)

    List.append left right
    |> List.map (fun (_, plot, _) -> plot)
    |> multiplot layout
    |> save width height path

/// What a memory holds: a row for each slot, with the slots' numbers; on the left the content, `[slot, width]`, on the right how
/// much each slot is in use.
let memory
    (title: string)
    (useName: string)
    (numbers: int[])
    (content: float32[,])
    (uses: float[])
    (path: string)
    : unit =
    let rows = numbers.Length

    let reach =
        content
        |> Seq.cast<float32>
        |> Seq.fold (fun most value -> max most (abs value)) 1e-9f

    let left = heatmap diverging (float -reach) (float reach) content
    rowTicks rows (max 1 (rows / 40)) (fun row -> string numbers[row]) left
    left.Title(title, 15f)
    left.YLabel("slot", 13f)
    left.XLabel($"content, from {-reach:F2} to {reach:F2}", 13f)
    left.Layout.Fixed(PixelPadding(64f, 12f, 48f, 40f))

    let most = max 1e-9 (Array.max uses)
    let right = heatmap focus 0.0 most (Array2D.init rows 1 (fun row _ -> float32 uses[row]))
    right.XLabel($"{useName}, to {most:F2}", 13f)
    right.Axes.Bottom.SetTicks([||], [||])
    right.Layout.Fixed(PixelPadding(12f, 24f, 48f, 40f))

    let strip = 140f

    let layout = {
        new IMultiplotLayout with
            member _.GetSubplotRectangles(_, figure) = [|
                PixelRect(figure.Left, figure.Right - strip, figure.Bottom, figure.Top)
                PixelRect(figure.Right - strip, figure.Right, figure.Bottom, figure.Top)
            |]
    }

    let width = Math.Clamp(200 + 22 * Array2D.length2 content, 560, 1400)

    multiplot layout [ left; right ]
    |> save (width + int strip) (Math.Clamp(88 + 16 * rows, 240, 900)) path
