/// Random tables of sequences, written in every format, and what a store gives back of them.
module NtmLab.Tests.Data.SequenceTable

open System
open System.IO
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Data
open NtmLab.Tests.Data.DataFiles

/// Sequences of equal length, `[sequence][step][feature]`.
type Table = {
    Values: float32[][][]
} with

    member table.Sequences: int = table.Values.Length
    member table.Steps: int = table.Values[0].Length
    member table.Features: int = table.Values[0].[0].Length
    member table.Rows: float32[][] = Array.concat table.Values

/// A table from a seed; values of all magnitudes that the text of a number should survive.
let table (seed: uint64) (sequences: int) (steps: int) (features: int) : Table =
    let random = RandomStream(seed, "table")

    let value () : float32 = float32 (random.NextNormal() * 10.0 ** float (random.Next(-3, 4)))

    {
        Values =
            Array.init sequences (fun _ ->
                Array.init steps (fun _ -> Array.init features (fun _ -> value ())))
    }

type Arbitraries =
    static member Table() : Arbitrary<Table> =
        gen {
            let! sequences = Gen.choose (2, 8)
            let! steps = Gen.choose (1, 6)
            let! features = Gen.choose (1, 3)
            let! seed = Gen.choose (0, Int32.MaxValue)
            return table (uint64 seed) sequences steps features
        }
        |> Arb.fromGen

/// The name of a sequence: not a number, so that it must be kept as text.
let name (sequence: int) : string = $"s{sequence:D3}"

let private header (table: Table) : string list =
    "id" :: [ for feature in 0 .. table.Features - 1 -> $"x_{feature}" ]

/// Text with a separator between columns; the first column says which sequence.
let writeCsv (path: string) (separator: string) (quote: string -> string) (table: Table) : unit =
    let line (cells: string seq) = cells |> Seq.map quote |> String.concat separator

    writeLines path [
        line (header table)

        for sequence in 0 .. table.Sequences - 1 do
            for step in table.Values[sequence] do
                line (name sequence :: [ for value in step -> text value ])
    ]

/// A Parquet file with row groups of so many rows.
let writeParquetTable
    (path: string)
    (groupRows: int)
    (column: float32[] -> ParquetColumn)
    (table: Table)
    : unit =
    let ids = Array.init (table.Sequences * table.Steps) (fun row -> name (row / table.Steps))

    writeParquet path groupRows [
        "id", Texts ids
        for feature in 0 .. table.Features - 1 do
            $"x_{feature}", column (table.Rows |> Array.map (fun row -> row[feature]))
    ]

/// An archive with one array of three dimensions.
let writeNpzTable (path: string) (isDouble: bool) (isBig: bool) (table: Table) : unit =
    let descr = (if isBig then ">" else "<") + (if isDouble then "f8" else "f4")
    let values = table.Rows |> Array.concat |> floats isDouble isBig
    writeNpz path [ "x", npy descr [ table.Sequences; table.Steps; table.Features ] values ]

/// What is read of such a file: all features, by their common name.
let source (path: string) : SequenceSource =
    let isArchive = Path.GetExtension path = ".npz"
    SequenceSource(Path = path, Columns = [| SourceColumn "x" |], Sequence = (if isArchive then "" else "id"))

/// A sequence as it is stored, `[step][column]`.
let sequence (store: SequenceStore) (part: SequencePart) (index: int64) : float32[][] =
    let values = Array.zeroCreate (int (part.Steps index) * store.Columns.Count)
    store.CopyTo(part, index, 0L, Span values) |> ignore
    Array.chunkBySize store.Columns.Count values

/// All sequences of a part.
let sequences (store: SequenceStore) (part: SequencePart) : float32[][][] = [|
    for index in 0L .. part.Count - 1L -> sequence store part index
|]

/// Both parts of a source, as they are stored.
let parts (source: SequenceSource) : float32[][][] * float32[][][] =
    use store = SequenceStore.Read source
    sequences store store.Training, sequences store store.Validation
