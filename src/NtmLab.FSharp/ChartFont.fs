/// The typeface of all charts: Inter, from a package, so that pictures look the same everywhere and have text on machines
/// without any font.
module internal NtmLab.ChartFont

open System
open System.IO
open System.Reflection
open NtmLab.Native
open ScottPlot
open SkiaSharp

/// The package's assembly, which is a resource of this one.
let private package: Lazy<Assembly option> =
    lazy
        match Assembly.GetExecutingAssembly().GetManifestResourceStream "fonts/Avalonia.Fonts.Inter.dll" with
        | null -> None
        | stream ->
            use stream = stream
            use content = new MemoryStream()
            stream.CopyTo content
            Some(Assembly.Load(content.ToArray()))

/// The package keeps its fonts as one resource of its assembly: the length of an index, the index (version, count, and
/// name, place and size of every file), and then the files.
let private read (name: string) : SKTypeface option =
    match
        package.Value
        |> Option.bind (fun package -> Option.ofObj (package.GetManifestResourceStream "!AvaloniaResources"))
    with
    | None -> None
    | Some stream ->
        use stream = stream
        use reader = new BinaryReader(stream)
        let indexLength = reader.ReadInt32()

        if reader.ReadInt32() <> 2 then
            None
        else
            let files = [
                for _ in 1 .. reader.ReadInt32() do
                    let name = reader.ReadString()
                    let start = reader.ReadInt32()
                    name, (start, reader.ReadInt32())
            ]

            match
                List.tryFind (fun (file: string, _) -> file.EndsWith(name, StringComparison.Ordinal)) files
            with
            | None -> None
            | Some(_, (start, size)) ->
                stream.Position <- int64 (4 + indexLength + start)
                use data = SKData.CreateCopy(reader.ReadBytes size)
                SKTypeface.FromData data |> Option.ofObj

type private InterResolver(regular: SKTypeface, bold: SKTypeface) =
    let choose isBold = if isBold then bold else regular

    interface IFontResolver with
        member _.CreateTypeface(_: string, weight: FontWeight, _: FontSlant, _: FontSpacing) =
            choose (weight > FontWeight.Medium)

        member _.CreateTypeface(_: string, isBold: bool, _: bool) = choose isBold

/// Makes Inter the typeface of every chart of this process; if the package's file is another than we know, the system's own stays.
let install: Lazy<unit> =
    lazy
        NativeFiles.Serve()

        match read "Inter-Regular.ttf", read "Inter-SemiBold.ttf" with
        | Some regular, Some bold ->
            Fonts.Default <- "Inter"
            Fonts.FontResolvers.Insert(0, InterResolver(regular, bold))
        | _ -> ()
