/// What all charts share: the look of a plot, and how a page of plots is written as PNG and as SVG.
module internal NtmLab.ChartPage

open System.IO
open ScottPlot
open SkiaSharp

/// Pixels drawn for each pixel of the layout, so that PNGs stay sharp on dense screens and in print.
let private scale = 2.0

let private draw (width: int) (height: int) (multiplot: Multiplot) (canvas: SKCanvas) : unit =
    canvas.Clear SKColors.White
    multiplot.Render(canvas, PixelRect(0f, float32 width, float32 height, 0f))

/// Writes plots in a layout as `path.png` and `path.svg`; sizes in pixels of the layout.
let save (width: int) (height: int) (path: string) (multiplot: Multiplot) : unit =
    let draw = draw width height multiplot

    use surface = SKSurface.Create(SKImageInfo(int (scale * float width), int (scale * float height)))

    surface.Canvas.Scale(float32 scale)
    draw surface.Canvas
    use image = surface.Snapshot()
    use data = image.Encode(SKEncodedImageFormat.Png, 100)

    do
        use file = File.Create(path + ".png")
        data.SaveTo file

    use file = File.Create(path + ".svg")
    use canvas = SKSvgCanvas.Create(SKRect(0f, 0f, float32 width, float32 height), file)
    draw canvas

/// Writes plots in a layout as `save` does, and as `path.pdf` for print.
let saveForPrint (width: int) (height: int) (path: string) (multiplot: Multiplot) : unit =
    save width height path multiplot
    use file = File.Create(path + ".pdf")
    use document = SKDocument.CreatePdf file
    draw width height multiplot (document.BeginPage(float32 width, float32 height))
    document.EndPage()
    document.Close()

/// Plots side by side, or one above the other.
let multiplot (layout: IMultiplotLayout) (plots: Plot list) : Multiplot =
    let multiplot = new Multiplot()
    // It comes with one empty plot.
    multiplot.Subplots.RemoveAt 0

    for plot in plots do
        IMultiplotExtensions.AddPlot(multiplot, plot)

    multiplot.Layout <- layout
    multiplot

/// An empty plot in the style of all.
let newPlot () : Plot =
    ChartFont.install.Force()
    let plot = new Plot()
    plot.Grid.MajorLineColor <- Colors.Black.WithAlpha 0.08
    plot.Axes.Bottom.TickLabelStyle.FontSize <- 12f
    plot.Axes.Left.TickLabelStyle.FontSize <- 12f
    plot
