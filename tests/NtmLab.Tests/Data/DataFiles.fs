/// Writes small data files, byte by byte where the format is simple.
module NtmLab.Tests.Data.DataFiles

open System
open System.Buffers.Binary
open System.Globalization
open System.IO
open System.IO.Compression
open System.Text
open Parquet
open Parquet.Schema

/// Packs bytes as gzip does.
let gzip (bytes: byte[]) : byte[] =
    use packed = new MemoryStream()

    do
        use stream = new GZipStream(packed, CompressionLevel.Fastest)
        stream.Write(ReadOnlySpan bytes)

    packed.ToArray()

/// A whole number of 32 bits, most significant byte first.
let private bigEndian (value: int) : byte[] =
    let bytes = Array.zeroCreate 4
    BinaryPrimitives.WriteInt32BigEndian(Span bytes, value)
    bytes

/// An IDX file of a type, given the bytes of its values.
let idx (kind: byte) (dimensions: int list) (values: byte[]) : byte[] =
    Array.concat [
        [| 0uy; 0uy; kind; byte dimensions.Length |]
        dimensions |> List.map bigEndian |> Array.concat
        values
    ]

/// A number as short text from which single precision reads the same number.
let text (number: float32) : string = number.ToString("R", CultureInfo.InvariantCulture)

/// Writes lines.
let writeLines (path: string) (lines: string seq) : unit = File.WriteAllLines(path, lines)

/// The bytes of numbers in either byte order, of single or double precision.
let floats (isDouble: bool) (isBig: bool) (values: float32[]) : byte[] =
    values
    |> Array.collect (fun value ->
        let bytes =
            if isDouble then
                BitConverter.GetBytes(float value)
            else
                BitConverter.GetBytes value

        if isBig then Array.rev bytes else bytes)

/// An array of NumPy's format, version 1, given the bytes of its values.
let npy (descr: string) (shape: int list) (values: byte[]) : byte[] =
    let sizes = shape |> List.map (fun size -> $"{size},") |> String.concat " "
    let header = $"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}"
    let padded = header.PadRight((header.Length + 10 + 1 + 63) / 64 * 64 - 11) + "\n"

    Array.concat [
        [| 0x93uy |]
        Encoding.ASCII.GetBytes "NUMPY"
        [| 1uy; 0uy; byte (padded.Length &&& 255); byte (padded.Length >>> 8) |]
        Encoding.ASCII.GetBytes padded
        values
    ]

/// An array of single precision.
let npyFloats (shape: int list) (values: float32 seq) : byte[] =
    npy "<f4" shape (floats false false (Seq.toArray values))

/// Texts of at most ten letters, four bytes each.
let npyTexts (texts: string list) : byte[] =
    npy
        "<U10"
        [ texts.Length ]
        (texts
         |> List.map (fun text -> text.PadRight(10, '\000'))
         |> String.concat ""
         |> Encoding.UTF32.GetBytes)

/// Writes an archive of arrays.
let writeNpz (path: string) (arrays: (string * byte[]) list) : unit =
    use archive = ZipFile.Open(path, ZipArchiveMode.Create)

    for name, bytes in arrays do
        use stream = archive.CreateEntry($"{name}.npy", CompressionLevel.Fastest).Open()
        stream.Write(ReadOnlySpan bytes)

/// A column of a Parquet file.
type ParquetColumn =
    | Singles of float32[]
    | Doubles of float[]
    | Optional of Nullable<float>[]
    | Wholes of int64[]
    | Truths of bool[]
    | Texts of string[]
    | Times of DateTime[]

let private field (name: string) (column: ParquetColumn) : DataField =
    match column with
    | Singles _ -> DataField<float32> name
    | Doubles _ -> DataField<float> name
    | Optional _ -> DataField<Nullable<float>> name
    | Wholes _ -> DataField<int64> name
    | Truths _ -> DataField<bool> name
    | Texts _ -> DataField<string> name
    | Times _ -> DataField<DateTime> name

/// Writes a Parquet file with row groups of so many rows.
let writeParquet (path: string) (groupRows: int) (columns: (string * ParquetColumn) list) : unit =
    let fields = columns |> List.map (fun (name, column) -> field name column)
    let schema = ParquetSchema(fields |> List.map (fun field -> field :> Field) |> List.toArray)
    use stream = File.Create path
    let writer = ParquetWriter.CreateAsync(schema, stream).GetAwaiter().GetResult()

    let rows =
        match snd columns.Head with
        | Singles values -> values.Length
        | Doubles values -> values.Length
        | Optional values -> values.Length
        | Wholes values -> values.Length
        | Truths values -> values.Length
        | Texts values -> values.Length
        | Times values -> values.Length

    for first in 0..groupRows .. rows - 1 do
        use group = writer.CreateRowGroup()
        let last = min rows (first + groupRows) - 1

        for field, (_, column) in List.zip fields columns do
            match column with
            | Singles values -> group.WriteAsync<float32>(field, ReadOnlyMemory values[first..last])
            | Doubles values -> group.WriteAsync<float>(field, ReadOnlyMemory values[first..last])
            | Optional values -> group.WriteAsync<float>(field, ReadOnlyMemory values[first..last])
            | Wholes values -> group.WriteAsync<int64>(field, ReadOnlyMemory values[first..last])
            | Truths values -> group.WriteAsync<bool>(field, ReadOnlyMemory values[first..last])
            | Texts values -> group.WriteAsync(field, values[first..last])
            | Times values -> group.WriteAsync<DateTime>(field, ReadOnlyMemory values[first..last])
            |> fun written -> written.GetAwaiter().GetResult()

        group.CompleteValidate()

    writer.DisposeAsync().AsTask().GetAwaiter().GetResult()
