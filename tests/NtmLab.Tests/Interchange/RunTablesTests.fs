module NtmLab.Tests.Interchange.RunTablesTests

open System
open System.IO
open Expecto
open NtmLab
open NtmLab.Data
open NtmLab.Interchange
open NtmLab.Runs
open NtmLab.Tests
open NtmLab.Tests.Scratch
open NtmLab.Training
open Parquet

let private evaluations = [
    EvaluationRow(8L, [| LengthScore(2, 0.5, 0.25); LengthScore(5, 1.5, 0.0) |])
    EvaluationRow(16L, [| LengthScore(2, 0.125, 0.75, 3.5); LengthScore(5, 1.0, 0.5, 4.0) |])
]

let private final = [ LengthScore(9, 0.1, 0.9, 2.0) ]

/// All rows of named columns of a table.
let private read (path: string) (columns: string list) : float32[] list =
    use table = TableReader.Open path
    table.Select(columns |> Seq.collect table.Find |> Seq.toArray, [||])
    let row = Array.zeroCreate columns.Length

    [
        while table.Read() do
            table.Numbers(Span row)
            Array.copy row
    ]

let private columnsOf (path: string) : string list =
    use table = TableReader.Open path
    List.ofSeq table.Columns

let private export (batches: int64) (format: ExportFormat) (test: string -> string -> unit) : unit =
    use folder = new Folder()

    let run =
        SampleRun.withNumbers folder.Path (Seq.map SampleRun.batch (seq { 1L .. batches })) evaluations final

    let path = folder.File $"a.{format.ToString().ToLowerInvariant()}"
    RunTables.Export(RunNumbers.In run, path, format)
    test path (RunTables.EvaluationsBeside path)

/// The type of each column, and whether it may be missing.
let private types (path: string) : (string * Type * bool) list =
    use stream = File.OpenRead path
    let reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult()

    let fields = [ for field in reader.Schema.DataFields -> field.Name, field.ClrType, field.IsNullable ]

    reader.DisposeAsync().AsTask().GetAwaiter().GetResult()
    fields

let tests =
    testList "RunTables" [
        for format in [ ExportFormat.Parquet; ExportFormat.Csv ] do
            test $"metrics in {format} are those of the run" {
                export 20L format (fun metrics _ ->
                    let columns = [
                        "batch"
                        "sequences"
                        "length"
                        "loss"
                        "score"
                        "windowScore"
                        "seconds"
                    ]

                    Expect.equal (columnsOf metrics) columns "the names of the JSON, in its order"

                    let expected = [
                        for n in 1L .. 20L do
                            let row = SampleRun.batch n

                            [|
                                float row.Batch
                                float row.Sequences
                                float row.Length
                                row.Loss
                                row.Score
                                row.WindowScore
                                row.Seconds
                            |]
                            |> Array.map float32
                    ]

                    Expect.equal (read metrics columns) expected "every value")
            }

            test $"evaluations in {format} have a row for each length, the last ones of the end" {
                export 1L format (fun _ evaluations ->
                    Expect.equal
                        (read evaluations [ "sequences"; "length"; "score"; "perfectFraction"; "final" ])
                        [
                            [| 8f; 2f; 0.5f; 0.25f; 0f |]
                            [| 8f; 5f; 1.5f; 0f; 0f |]
                            [| 16f; 2f; 0.125f; 0.75f; 0f |]
                            [| 16f; 5f; 1f; 0.5f; 0f |]
                            [| 40f; 9f; 0.1f; 0.9f; 1f |]
                        ]
                        "rows in time"

                    Faults.says<DataException> [ "slotsUsed"; "missing" ] (fun () ->
                        read evaluations [ "slotsUsed" ] |> ignore))
            }

            test $"a run of several row groups is written whole in {format}" {
                let batches = 70_000L

                export batches format (fun metrics _ ->
                    let rows = read metrics [ "batch" ]
                    Expect.equal rows.Length (int batches) "all rows"
                    Expect.equal (List.last rows) [| float32 batches |] "the last one last")
            }

        test "Parquet has int64 and float64, and only what may be missing is optional" {
            export 1L ExportFormat.Parquet (fun metrics evaluations ->
                Expect.equal
                    (types metrics)
                    [
                        "batch", typeof<int64>, false
                        "sequences", typeof<int64>, false
                        "length", typeof<int64>, false
                        "loss", typeof<float>, false
                        "score", typeof<float>, false
                        "windowScore", typeof<float>, false
                        "seconds", typeof<float>, false
                    ]
                    "metrics"

                Expect.equal
                    (types evaluations)
                    [
                        "sequences", typeof<int64>, false
                        "length", typeof<int64>, false
                        "score", typeof<float>, false
                        "perfectFraction", typeof<float>, false
                        "slotsUsed", typeof<float>, true
                        "final", typeof<bool>, false
                    ]
                    "evaluations")
        }

        test "numbers in CSV are the same numbers again" {
            export 3L ExportFormat.Csv (fun metrics _ ->
                let lines = File.ReadAllLines metrics
                let third = lines[3].Split ','
                Expect.equal (float third[3]) (1.0 / 3.0) "to the bit"
                Expect.equal third[0] "3" "whole numbers without a point")
        }

        test "a run without metrics is told" {
            use folder = new Folder()
            let run = SampleRun.withNumbers folder.Path [] [] []

            Faults.says<RunException> [ "has no metrics" ] (fun () ->
                RunTables.Export(RunNumbers.In run, folder.File "a.csv", ExportFormat.Csv))

            Expect.isFalse (File.Exists(folder.File "a.csv")) "nothing is written"
        }
    ]
