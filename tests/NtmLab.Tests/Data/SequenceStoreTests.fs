module NtmLab.Tests.Data.SequenceStoreTests

open System
open System.IO
open System.Text
open System.Threading.Tasks
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Data
open NtmLab.Tests
open NtmLab.Tests.Data.DataFiles
open NtmLab.Tests.Data.SequenceTable
open NtmLab.Tests.Scratch

/// How a table of rows is cut into windows.
type Cut = { Rows: int; Window: int; Stride: int; Fraction: float; Seed: uint64 }

type CutArbitraries =
    static member Cut() : Arbitrary<Cut> =
        gen {
            let! window = Gen.choose (1, 9)
            let! rows = Gen.choose (2 * window, 60)
            let! stride = Gen.choose (0, 12)
            let! percent = Gen.choose (0, 99)
            let! seed = Gen.choose (0, Int32.MaxValue)

            return {
                Rows = rows
                Window = window
                Stride = stride
                Fraction = float percent / 100.0
                Seed = uint64 seed
            }
        }
        |> Arb.fromGen

let private config = {
    FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries>; typeof<CutArbitraries> ]
        maxTest = 50
}

let private law (name: string) (holds: 'case -> unit) : Test = testPropertyWithConfig config name holds

/// Writes lines, reads them, and looks at the store.
let private withStore
    (lines: string list)
    (source: string -> SequenceSource)
    (look: SequenceStore -> 'result)
    : 'result =
    use folder = new Folder()
    let path = folder.File "a.csv"
    writeLines path lines
    use store = SequenceStore.Read(source path)
    look store

let private columns (names: string list) : SourceColumn[] = [| for name in names -> SourceColumn name |]

/// Rows that know their number: the columns row and x.
let private numbered (rows: int) (x: int -> float32) : string list =
    "row,x" :: [ for row in 0 .. rows - 1 -> $"{row},{text (x row)}" ]

let private cutSource (cut: Cut) (path: string) : SequenceSource =
    SequenceSource(
        Path = path,
        Columns = columns [ "row"; "x" ],
        Window = cut.Window,
        Stride = cut.Stride,
        Validation = cut.Fraction,
        Seed = cut.Seed
    )

let private rowsOf (windows: float32[][][]) : int list list = [
    for window in windows -> [ for row in window -> int row[0] ]
]

let private windows =
    testList "windows" [
        test "are so many rows, each so many rows after the last" {
            let source path =
                SequenceSource(
                    Path = path,
                    Columns = columns [ "row" ],
                    Window = 3,
                    Stride = 2,
                    Validation = 0,
                    Seed = 1UL
                )

            let training, validation =
                withStore (numbered 6 float32) source (fun store ->
                    sequences store store.Training, sequences store store.Validation)

            Expect.equal (rowsOf validation).Length 1 "one window is kept from training"
            Expect.equal (rowsOf training).Length 1 "what is left of six rows"
        }

        law "of both parts lie in the table, in order, and share no row between the parts" (fun (cut: Cut) ->
            withStore (numbered cut.Rows float32) (cutSource cut) (fun store ->
                let training = sequences store store.Training |> rowsOf
                let validation = sequences store store.Validation |> rowsOf
                Expect.isNonEmpty training "something to train on"
                Expect.isNonEmpty validation "something to validate on"

                for window in training @ validation do
                    Expect.equal window [ window.Head .. window.Head + cut.Window - 1 ] "neighbouring rows"
                    Expect.isTrue (window.Head >= 0 && List.last window < cut.Rows) "rows of the table"

                let overlap = Set.intersect (set (List.concat training)) (set (List.concat validation))
                Expect.isEmpty overlap "nothing is seen in training that is validated on"))

        law
            "of the validation part are the asked fraction, unless no window would be left for training"
            (fun (cut: Cut) ->
                withStore (numbered cut.Rows float32) (cutSource cut) (fun store ->
                    let stride = if cut.Stride = 0 then cut.Window else cut.Stride
                    let all = (cut.Rows - cut.Window) / stride + 1
                    let asked = max 1L (int64 (Math.Round(cut.Fraction * float all)))
                    let most = int64 ((cut.Rows - 2 * cut.Window) / stride + 1)
                    Expect.equal store.Validation.Count (min asked most) "the count"))

        law "are all there that fit beside the validation part" (fun (cut: Cut) ->
            withStore (numbered cut.Rows float32) (cutSource cut) (fun store ->
                let stride = if cut.Stride = 0 then cut.Window else cut.Stride
                let validation = sequences store store.Validation |> rowsOf |> List.concat
                let first, last = List.min validation, List.max validation

                let fit rows =
                    if rows < cut.Window then
                        0
                    else
                        (rows - cut.Window) / stride + 1

                Expect.equal
                    store.Training.Count
                    (int64 (fit first + fit (cut.Rows - 1 - last)))
                    "before and after"))

        test "are kept from training at every place that leaves a training window" {
            let starts =
                set [
                    for seed in 1UL .. 200UL do
                        let cut = { Rows = 7; Window = 3; Stride = 1; Fraction = 0.0; Seed = seed }

                        withStore (numbered 7 float32) (cutSource cut) (fun store ->
                            (sequences store store.Validation |> rowsOf).Head.Head)
                ]

            Expect.equal starts (set [ 0; 1; 3; 4 ]) "from row 2 on three rows would be left on neither side"
        }

        test "lie within rows of one part where a column says which" {
            let lines =
                "row,part"
                :: [
                    for row in 0..19 ->
                        if row < 7 || row >= 15 then
                            $"{row},train"
                        else
                            $"{row},validation"
                ]

            let source path =
                SequenceSource(
                    Path = path,
                    Columns = columns [ "row" ],
                    Window = 4,
                    Stride = 2,
                    Split = "part"
                )

            let training, validation =
                withStore lines source (fun store ->
                    sequences store store.Training |> rowsOf, sequences store store.Validation |> rowsOf)

            Expect.equal training [ [ 0..3 ]; [ 2..5 ]; [ 15..18 ] ] "training"
            Expect.equal validation [ [ 7..10 ]; [ 9..12 ]; [ 11..14 ] ] "validation"
        }
    ]

let private split =
    testList "split" [
        law "is the same for the same seed" (fun (cut: Cut) ->
            let read () =
                withStore (numbered cut.Rows float32) (cutSource cut) (fun store ->
                    sequences store store.Training, sequences store store.Validation)

            Expect.equal (read ()) (read ()) "nothing but the seed decides")

        test "draws every sequence equally often" {
            let lines = "id,x" :: [ for row in 0..9 -> $"s{row},{row}" ]
            let counts = Array.zeroCreate 10

            for seed in 1UL .. 300UL do
                let source path =
                    SequenceSource(
                        Path = path,
                        Columns = columns [ "x" ],
                        Sequence = "id",
                        Validation = 0.2,
                        Seed = seed
                    )

                withStore lines source (fun store ->
                    Expect.equal store.Validation.Count 2L "a fifth of ten"
                    Expect.equal store.Training.Count 8L "the others"

                    for sequence in sequences store store.Validation do
                        let drawn = int sequence[0].[0]
                        counts[drawn] <- counts[drawn] + 1)

            let statistic = counts |> Array.sumBy (fun count -> (float count - 60.0) ** 2.0 / 60.0)
            Expect.isLessThan statistic 27.88 "chi-square, 9 degrees, the 0.1 % quantile"
        }

        test "leaves a sequence on each side whatever the fraction" {
            for fraction in [ 0.0; 0.5; 0.999 ] do
                let source path =
                    SequenceSource(
                        Path = path,
                        Columns = columns [ "x" ],
                        Sequence = "id",
                        Validation = fraction
                    )

                withStore [ "id,x"; "a,1"; "b,2" ] source (fun store ->
                    Expect.equal (store.Training.Count, store.Validation.Count) (1L, 1L) $"{fraction}")
        }

        test "follows a column that says which" {
            let source path =
                SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "id", Split = "part")

            let lines = [ "id,part,x"; "a,train,1"; "a,train,2"; "b,validation,3"; "c,train,4" ]

            withStore lines source (fun store ->
                Expect.equal
                    (sequences store store.Training)
                    [| [| [| 1f |]; [| 2f |] |]; [| [| 4f |] |] |]
                    "training"

                Expect.equal (sequences store store.Validation) [| [| [| 3f |] |] |] "validation")
        }

        test "follows the texts of an archive" {
            use folder = new Folder()

            writeNpz (folder.File "a") [
                "x", npyFloats [ 3; 2 ] [ 1f .. 6f ]
                "part", npyTexts [ "train"; "validation"; "train" ]
            ]

            let training, validation =
                parts (SequenceSource(Path = folder.File "a", Columns = columns [ "x" ], Split = "part"))

            Expect.equal training [| [| [| 1f |]; [| 2f |] |]; [| [| 5f |]; [| 6f |] |] |] "training"
            Expect.equal validation [| [| [| 3f |]; [| 4f |] |] |] "validation"
        }
    ]

let private statistics =
    testList "statistics" [
        law "bring the training part to mean 0 and deviation 1" (fun (table: Table) ->
            use folder = new Folder()
            writeCsv (folder.File "a.csv") "," id table
            use store = SequenceStore.Read(source (folder.File "a.csv"))
            let rows = sequences store store.Training |> Array.concat

            for column in 0 .. store.Columns.Count - 1 do
                let normalised = rows |> Array.map (fun row -> float (store.Normalise(column, row[column])))
                let mean = Array.average normalised
                let square = normalised |> Array.averageBy (fun value -> value * value)
                Expect.isLessThan (abs mean) 1e-4 "the mean"

                if rows.Length > 1 then
                    Expect.isLessThan (abs (square - 1.0)) 1e-4 "the mean square"
                else
                    Expect.equal square 0.0 "a single row is its own mean")

        law "count rows of overlapping windows once" (fun (cut: Cut) ->
            let x row = float32 (row * row % 17)

            withStore (numbered cut.Rows x) (cutSource cut) (fun store ->
                let rows = sequences store store.Training |> rowsOf |> List.concat |> List.distinct
                let mean = rows |> List.averageBy (x >> float)
                let variance = rows |> List.averageBy (fun row -> (float (x row) - mean) ** 2.0)
                Expect.floatClose Accuracy.high store.Means[1] mean "the mean"
                Expect.floatClose Accuracy.high store.Deviations[1] (sqrt variance) "the deviation"))

        law "know nothing of the validation part" (fun (cut: Cut) ->
            let read (x: int -> float32) =
                withStore (numbered cut.Rows x) (cutSource cut) (fun store ->
                    let held = sequences store store.Validation |> rowsOf |> List.concat
                    set held, [ store.Means[1]; store.Deviations[1] ])

            let held, before = read float32
            let again, after = read (fun row -> if held.Contains row then 1e6f else float32 row)
            Expect.equal again held "the same rows are held out"
            Expect.equal after before "to the last bit")

        test "only move a column that is the same everywhere" {
            let source path = SequenceSource(Path = path, Columns = columns [ "x" ], Window = 2)

            withStore [ "x"; "5"; "5"; "5"; "5" ] source (fun store ->
                Expect.equal (store.Normalise(0, 5f)) 0f "its only value"
                Expect.equal (store.Normalise(0, 6f)) 1f "no division by 0")
        }
    ]

let private storing =
    testList "storing" [
        test "copies as many steps as there is room for" {
            let source path = SequenceSource(Path = path, Columns = columns [ "x"; "y" ], Sequence = "id")

            withStore [ "id,x,y"; "a,1,2"; "a,3,4"; "b,1,2"; "b,3,4" ] source (fun store ->
                let room = Array.create 2 9f
                Expect.equal (store.CopyTo(store.Training, 0L, 0L, Span room)) 1 "one step"
                Expect.equal room [| 1f; 2f |] "the first"
                let room = Array.create 6 9f
                Expect.equal (store.CopyTo(store.Training, 0L, 0L, Span room)) 2 "all steps"
                Expect.equal room [| 1f; 2f; 3f; 4f; 9f; 9f |] "the rest is left"
                Expect.equal (store.CopyTo(store.Training, 0L, 1L, Span room)) 1 "steps after the first"
                Expect.equal room[..3] [| 3f; 4f; 3f; 4f |] "the second")
        }

        test "groups features under their name, in the order that was asked for" {
            let source path = SequenceSource(Path = path, Columns = columns [ "y"; "x"; "y" ], Window = 1)

            withStore [ "x_0,x_1,y"; "1,2,3"; "4,5,6" ] source (fun store ->
                Expect.equal (List.ofSeq store.Columns) [ "y"; "x_0"; "x_1"; "y" ] "the columns"
                Expect.equal (List.ofSeq store.Largest) [ 6f; 4f; 5f; 6f ] "the largest values"

                Expect.equal
                    [ for group in store.Groups -> group.Start.Value, group.End.Value ]
                    [ 0, 1; 1, 3; 3, 4 ]
                    "where each name is")
        }

        test "a column may be a number and tell sequences apart, in quotes or not" {
            let source path = SequenceSource(Path = path, Columns = columns [ "id" ], Sequence = "id")

            withStore [ "id"; "\"1\""; "1"; "\"2\"" ] source (fun store ->
                let both = Array.append (sequences store store.Training) (sequences store store.Validation)
                Expect.containsAll both [ [| [| 1f |]; [| 1f |] |]; [| [| 2f |] |] ] "two sequences")
        }

        test "several threads may read at once" {
            let source path =
                SequenceSource(Path = path, Columns = columns [ "row"; "x" ], Window = 10, Stride = 1)

            withStore (numbered 2000 float32) source (fun store ->
                let expected = sequences store store.Training

                Parallel.For(
                    0L,
                    store.Training.Count,
                    fun index ->
                        Expect.equal
                            (sequence store store.Training index)
                            expected[int index]
                            "the same window"
                )
                |> ignore)
        }

        test "leaves no file behind" {
            let files () = Directory.GetFiles(Path.GetTempPath(), "ntmlab-*.rows") |> set
            let source path = SequenceSource(Path = path, Columns = columns [ "x" ], Window = 1)
            let before = files ()

            let during = withStore [ "x"; "1"; "2" ] source (fun _ -> files ())

            if not (OperatingSystem.IsWindows()) then
                Expect.isEmpty (during - before) "not even a name while it is open"

            Expect.isEmpty (files () - before) "nothing afterwards"
        }

        test "holds little in memory of a large file" {
            use folder = new Folder()
            let path = folder.File "large.csv"
            let random = RandomStream(1UL, "large")
            let line () = $"{text (random.NextSingle())},{text (random.NextSingle())},{random.Next 10}\n"
            let block = String.init 50_000 (fun _ -> line ()) |> Encoding.ASCII.GetBytes
            let size = 50_000_000L

            do
                use file = File.Create path
                file.Write(ReadOnlySpan(Encoding.ASCII.GetBytes "a,b,c\n"))

                while file.Length < size do
                    file.Write(ReadOnlySpan block)

            let before = GC.GetTotalAllocatedBytes true

            use store =
                SequenceStore.Read(
                    SequenceSource(Path = path, Columns = columns [ "a"; "b"; "c" ], Window = 100)
                )

            let allocated = GC.GetTotalAllocatedBytes true - before
            Expect.isGreaterThan (store.Training.Count + store.Validation.Count) 20_000L "all of it is there"
            Expect.isLessThan allocated (size / 10L) "what was ever allocated, and so what is held"
        }
    ]

let private byId (path: string) : SequenceSource =
    SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "id")

let private faults =
    testList "faults" [
        for name, lines, source, words in
            [
                "a sequence that begins again",
                [ "id,x"; "a,1"; "b,2"; "a,3" ],
                byId,
                [ "row 3, column 'id'"; "'a' begins again" ]
                "a missing name of a sequence",
                [ "id,x"; "a,1"; ",2" ],
                byId,
                [ "row 2, column 'id'"; "is missing" ]
                "a short sequence",
                [ "id,x"; "a,1"; "a,2"; "b,3"; "c,4"; "c,5" ],
                (fun path ->
                    SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "id", LeastSteps = 2)),
                [ "row 3"; "1 of the 2 steps" ]
                "a short last sequence",
                [ "id,x"; "a,1"; "a,2"; "b,3" ],
                (fun path ->
                    SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "id", LeastSteps = 2)),
                [ "row 3"; "1 of the 2 steps" ]
                "a single sequence", [ "id,x"; "a,1"; "a,2" ], byId, [ "holds one sequence"; "two or more" ]
                "a header alone", [ "id,x" ], byId, [ "holds no rows" ]
                "rows for less than two windows",
                [ "id,x"; "a,1"; "a,2"; "a,3" ],
                (fun path -> SequenceSource(Path = path, Columns = columns [ "x" ], Window = 2)),
                [ "holds 3 rows"; "two windows of 2" ]
                "neither sequences nor windows",
                [ "id,x"; "a,1" ],
                (fun path -> SequenceSource(Path = path, Columns = columns [ "x" ])),
                [ "a sequence column or a window is wanted" ]
                "an unknown sequence column",
                [ "id,x"; "a,1" ],
                (fun path -> SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "ids")),
                [ "no column 'ids'"; "did you mean 'id'" ]
                "a class number below 0",
                [ "id,x"; "a,1"; "b,-1" ],
                (fun path ->
                    SequenceSource(
                        Path = path,
                        Columns = [| SourceColumn("x", ColumnKind.Class) |],
                        Sequence = "id"
                    )),
                [ "row 2, column 'x'"; "-1 is not allowed"; "class number" ]
                "a class number that is not whole",
                [ "id,x"; "a,1.5"; "b,1" ],
                (fun path ->
                    SequenceSource(
                        Path = path,
                        Columns = [| SourceColumn("x", ColumnKind.Class) |],
                        Sequence = "id"
                    )),
                [ "row 1, column 'x'"; "1.5 is not allowed"; "class number" ]
                "a bit that is none",
                [ "id,x"; "a,1"; "b,0.5" ],
                (fun path ->
                    SequenceSource(
                        Path = path,
                        Columns = [| SourceColumn("x", ColumnKind.Bit) |],
                        Sequence = "id"
                    )),
                [ "row 2, column 'x'"; "0.5 is not allowed"; "0 or 1" ]
                "another word for a part",
                [ "id,x,part"; "a,1,train"; "b,1,test" ],
                (fun path ->
                    SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "id", Split = "part")),
                [ "row 2, column 'part'"; "'test' is not allowed"; "train or validation" ]
                "a part that changes within a sequence",
                [ "id,x,part"; "a,1,train"; "a,1,validation" ],
                (fun path ->
                    SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "id", Split = "part")),
                [ "row 2, column 'part'"; "'validation' follows 'train'" ]
                "a part without a sequence",
                [ "id,x,part"; "a,1,train"; "b,1,train" ],
                (fun path ->
                    SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "id", Split = "part")),
                [ "column 'part'"; "no sequence for 'validation'" ]
                "a name of many columns as a sequence",
                [ "id_0,id_1,x"; "a,1,2" ],
                byId,
                [ "'id' names 2 columns" ]
            ] do
            test $"{name} is told with its place" {
                Faults.says<DataException> ("a.csv" :: words) (fun () -> withStore lines source ignore)
            }

        test "a window or a sequence column of an archive is told" {
            use folder = new Folder()
            let path = folder.File "a.npz"
            writeNpz path [ "x", npyFloats [ 2; 2 ] [ 1f .. 4f ] ]

            for source in
                [
                    SequenceSource(Path = path, Columns = columns [ "x" ], Window = 2)
                    SequenceSource(Path = path, Columns = columns [ "x" ], Sequence = "x")
                ] do
                Faults.says<DataException> [ path; "holds sequences as they are" ] (fun () ->
                    SequenceStore.Read source |> ignore)
        }

        for option, name, source in
            [
                "window", "that is negative", SequenceSource(Path = "a", Columns = [||], Window = -1)
                "window", "too short", SequenceSource(Path = "a", Columns = [||], Window = 1, LeastSteps = 2)
                "window",
                "beside a column",
                SequenceSource(Path = "a", Columns = [||], Window = 1, Sequence = "id")
                "stride",
                "that is negative",
                SequenceSource(Path = "a", Columns = [||], Window = 1, Stride = -1)
                "stride",
                "without a window",
                SequenceSource(Path = "a", Columns = [||], Sequence = "id", Stride = 1)
                "validation", "of everything", SequenceSource(Path = "a", Columns = [||], Validation = 1.0)
                "validation",
                "that is no number",
                SequenceSource(Path = "a", Columns = [||], Validation = nan)
                "path", "that is empty", SequenceSource(Path = "", Columns = [||])
            ] do
            test $"a {option} {name} is refused by name" {
                Faults.says<ConfigurationException> [ $"source.{option}:" ] (fun () ->
                    SequenceStore.Read source |> ignore)
            }
    ]

let tests = testList "SequenceStore" [ windows; split; statistics; storing; faults ]
