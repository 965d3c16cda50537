module NtmLab.Tests.Data.TableReaderTests

open System
open System.IO
open System.Text
open Expecto
open NtmLab
open NtmLab.Data
open NtmLab.Tests
open NtmLab.Tests.Data.DataFiles
open NtmLab.Tests.Data.SequenceTable
open NtmLab.Tests.Scratch

let private config = {
    FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
        maxTest = 20
}

let private plain: string -> string = id
let private quoted (text: string) : string = $"\"{text}\""

/// Every way in which a table can be written, each with the name of its file.
let private forms: (string * (string -> Table -> unit)) list = [
    "commas.csv", fun path -> writeCsv path "," plain
    "semicolons.csv", fun path -> writeCsv path ";" plain
    "tabs.tsv", fun path -> writeCsv path "\t" plain
    "quoted.csv", fun path -> writeCsv path "," quoted
    "packed.csv",
    fun path table ->
        writeCsv path "," plain table
        File.WriteAllBytes(path, gzip (File.ReadAllBytes path))
    "singles.parquet", fun path -> writeParquetTable path 1000 Singles
    "groups.parquet", fun path -> writeParquetTable path 3 Singles
    "doubles.parquet", fun path -> writeParquetTable path 4 (Array.map float >> Doubles)
    "optional.parquet", fun path -> writeParquetTable path 4 (Array.map (float >> Nullable) >> Optional)
    "singles.npz", fun path -> writeNpzTable path false false
    "doubles.npz", fun path -> writeNpzTable path true false
    "big-endian.npz", fun path -> writeNpzTable path true true
]

let private reading =
    testList "reading" [
        for name, write in forms do
            testPropertyWithConfig
                config
                $"gives the numbers that were written to {name}"
                (fun (table: Table) ->
                    use folder = new Folder()
                    write (folder.File name) table
                    let training, validation = parts (source (folder.File name))

                    Expect.equal
                        (Array.append training validation |> Array.sort)
                        (Array.sort table.Values)
                        "every sequence, in one part or the other")

        testPropertyWithConfig
            config
            "gives the same from all formats, in the same split"
            (fun (table: Table) ->
                use folder = new Folder()

                let read = [
                    for name, write in forms do
                        write (folder.File name) table
                        parts (source (folder.File name))
                ]

                for other in read.Tail do
                    Expect.equal other read.Head "the seed and the sequences decide")
    ]

/// Reads named columns of lines with windows of one row, in the order of the file.
let private rowsOf (columns: string list) (path: string) : float32[] list =
    use table = TableReader.Open path
    table.Select(columns |> Seq.collect table.Find |> Seq.toArray, [||])
    let row = Array.zeroCreate (columns |> List.sumBy (fun name -> table.Find(name).Count))

    [
        while table.Read() do
            table.Numbers(Span row)
            Array.copy row
    ]

let private read (name: string) (columns: string list) (lines: string list) : float32[] list =
    use folder = new Folder()
    writeLines (folder.File name) lines
    rowsOf columns (folder.File name)

let private values =
    testList "values" [
        test "a separator, a quote and a line break within quotes belong to the value" {
            let rows =
                read "a.csv" [ "a,b"; "x" ] [ "\"a,b\",\"say \"\"hi\"\"\",x"; "1,\"q,\"\"\n\",2"; "3,,4" ]

            Expect.equal rows [ [| 1f; 2f |]; [| 3f; 4f |] ] "two rows"
        }

        test "a comma within quotes does not decide the separator of the header" {
            let rows = read "a.csv" [ "x" ] [ "\"a,b,c\";x"; "1;2" ]
            Expect.equal rows [ [| 2f |] ] "semicolons"
        }

        test "truth values are 1 and 0, blanks around numbers are nothing, signs and exponents are read" {
            let rows = read "a.csv" [ "x"; "y" ] [ "x, y"; "true, +2 "; "False,-1.5e-3"; "1E2,.5" ]
            Expect.equal rows [ [| 1f; 2f |]; [| 0f; -0.0015f |]; [| 100f; 0.5f |] ] "numbers"
        }

        test "a byte-order mark, Windows line ends and blank last lines change nothing" {
            use folder = new Folder()

            let bytes =
                Array.append
                    [| 0xEFuy; 0xBBuy; 0xBFuy |]
                    (Encoding.UTF8.GetBytes "x,y\r\n1,2\r\n3,4\r\n\r\n\r\n")

            File.WriteAllBytes(folder.File "a.csv", bytes)
            Expect.equal (rowsOf [ "x"; "y" ] (folder.File "a.csv")) [ [| 1f; 2f |]; [| 3f; 4f |] ] "two rows"
        }

        test "text of 16 bits for each letter is read" {
            use folder = new Folder()
            File.WriteAllText(folder.File "a.csv", "x;y\n1;2\n", Encoding.Unicode)
            Expect.equal (rowsOf [ "y" ] (folder.File "a.csv")) [ [| 2f |] ] "as spreadsheets save it"
        }

        test "a name stands for its column, else for the features of that name in order" {
            let lines = [ "x_1,x_0,x,y_1,y_0"; "1,2,3,4,5" ]
            Expect.equal (read "a.csv" [ "x" ] lines) [ [| 3f |] ] "a column of that name"
            Expect.equal (read "a.csv" [ "y" ] lines) [ [| 5f; 4f |] ] "features from 0 on"
        }

        test "whole numbers and truth values of Parquet are numbers" {
            use folder = new Folder()

            writeParquet (folder.File "a") 2 [
                "n", Wholes [| -3L; 1L <<< 40; 5L |]
                "b", Truths [| true; false; true |]
            ]

            Expect.equal
                (rowsOf [ "b"; "n" ] (folder.File "a"))
                [ [| 1f; -3f |]; [| 0f; float32 (1L <<< 40) |]; [| 1f; 5f |] ]
                "over two row groups"
        }

        for descr, bytes, expected in
            [
                "|b1", [| 0uy; 1uy |], [ 0f; 1f ]
                "|i1", [| 0xFFuy; 1uy |], [ -1f; 1f ]
                "|u1", [| 0xFFuy; 1uy |], [ 255f; 1f ]
                "<i2", [| 0xFEuy; 0xFFuy; 1uy; 0uy |], [ -2f; 1f ]
                ">u2", [| 0xFFuy; 0xFEuy; 1uy; 0uy |], [ 65534f; 256f ]
                ">i4", [| 0xFFuy; 0xFFuy; 0xFFuy; 0xFEuy; 0uy; 0uy; 1uy; 0uy |], [ -2f; 256f ]
                "<i8",
                Array.append (BitConverter.GetBytes -7L) (BitConverter.GetBytes(1L <<< 33)),
                [ -7f; 8589934592f ]
                "<u8",
                Array.append (BitConverter.GetBytes UInt64.MaxValue) (BitConverter.GetBytes 3UL),
                [ 18446744073709551615f; 3f ]
                "<f2", [| 0uy; 0x3Cuy; 0uy; 0xC1uy |], [ 1f; -2.5f ]
            ] do
            test $"arrays of type {descr} are numbers" {
                use folder = new Folder()
                writeNpz (folder.File "a") [ "x", npy descr [ 1; 2 ] bytes ]
                Expect.equal (rowsOf [ "x" ] (folder.File "a") |> List.map Array.head) expected "two steps"
            }

        test "arrays of an archive are columns by their shape" {
            use folder = new Folder()

            writeNpz (folder.File "a") [
                "label", npyFloats [ 2 ] [ 7f; 8f ]
                "plain", npyFloats [ 2; 3 ] [ 1f .. 6f ]
                "x", npyFloats [ 2; 3; 2 ] [ 1f .. 12f ]
                "pair", npyFloats [ 2; 2 ] [ 10f; 20f; 30f; 40f ]
            ]

            Expect.equal
                (rowsOf [ "x"; "plain"; "label"; "pair_1" ] (folder.File "a"))
                [
                    [| 1f; 2f; 1f; 7f; 20f |]
                    [| 3f; 4f; 2f; 7f; 20f |]
                    [| 5f; 6f; 3f; 7f; 20f |]
                    [| 7f; 8f; 4f; 8f; 40f |]
                    [| 9f; 10f; 5f; 8f; 40f |]
                    [| 11f; 12f; 6f; 8f; 40f |]
                ]
                "time and features vary, what a sequence has once is repeated"
        }

        test "what does not fit into an archive may be there as long as nobody asks for it" {
            use folder = new Folder()

            writeNpz (folder.File "a") [
                "version", npyFloats [] [ 1f ]
                "means", npyFloats [ 4 ] [ 1f .. 4f ]
                "complex", npy "<c8" [ 1; 1 ] (Array.zeroCreate 8)
                "x", npyFloats [ 2; 1 ] [ 5f; 6f ]
            ]

            Expect.equal (rowsOf [ "x" ] (folder.File "a")) [ [| 5f |]; [| 6f |] ] "two sequences of a step"
        }
    ]

let private says (path: string) (columns: string list) (words: string list) : unit =
    Faults.says<DataException> (path :: words) (fun () -> rowsOf columns path |> ignore)

let private textFaults =
    testList "faults of text" [
        for name, lines, words in
            [
                "a word", [ "x,y"; "1,2"; "1,abc" ], [ "row 2, column 'y'"; "'abc'"; "a number such as 1.5" ]
                "a decimal comma",
                [ "x;y"; "1;2,5" ],
                [ "row 1, column 'y'"; "'2,5'"; "a number such as 1.5" ]
                "a number with a word", [ "x,y"; "1,12abc" ], [ "row 1, column 'y'"; "'12abc'" ]
                "NaN", [ "x,y"; "1,NaN" ], [ "row 1, column 'y'"; "'NaN'"; "finite number" ]
                "infinity", [ "x,y"; "1,-Infinity" ], [ "row 1, column 'y'"; "'-Infinity'"; "finite number" ]
                "a number beyond single precision",
                [ "x,y"; "1,1e300" ],
                [ "row 1, column 'y'"; "'1e300'"; "single precision" ]
                "a missing value", [ "x,y"; "1,2"; "3,2"; "4," ], [ "row 3, column 'y'"; "is missing" ]
                "a narrow row", [ "x,y"; "1,2"; "3" ], [ "row 2"; "has 1 value"; "2, one for each column" ]
                "a wide row", [ "x,y"; "1,2,3" ], [ "row 1"; "has 3 values"; "2, one for each column" ]
                "a blank row", [ "x,y"; "1,2"; ""; "3,4" ], [ "row 2"; "is blank" ]
                "a quote without an end",
                [ "x,y"; "1,\"2"; "3,4" ],
                [ "row 1, column 'y'"; "'2...' is not allowed" ]
                "a repeated column", [ "y,x,x"; "1,2,3" ], [ "two columns of the name 'x'" ]
                "an unknown column", [ "weight,z"; "1,2" ], [ "no column 'x'"; "did you mean 'z'?" ]
            ] do
            test $"{name} is told with its place" {
                use folder = new Folder()
                writeLines (folder.File "a.csv") lines
                says (folder.File "a.csv") [ "x"; "y" ] words
            }

        test "names of many features are told as one" {
            use folder = new Folder()
            let features = [ for feature in 0..99 -> $"feature_{feature}" ] |> String.concat ","
            writeLines (folder.File "a.csv") [ $"y,{features}" ]
            says (folder.File "a.csv") [ "something else" ] [ "known are: y, feature." ]
        }

        test "a missing file, an empty one and a folder are told" {
            use folder = new Folder()
            File.WriteAllBytes(folder.File "empty.csv", [||])
            says (folder.File "none.csv") [] [ "there is no such file" ]
            says (Path.Combine(folder.Path, "none", "a.csv")) [] [ "there is no such file" ]
            says (folder.File "empty.csv") [] [ "is empty" ]
            says folder.Path [] [ "is a folder" ]
        }

        test "a file of something else is told" {
            use folder = new Folder()
            File.WriteAllBytes(folder.File "a.png", Array.init 5000 (fun i -> byte (i * 7)))
            says (folder.File "a.png") [ "x" ] [ "is no table" ]
            File.WriteAllText(folder.File "blank.csv", "\n\n")
            says (folder.File "blank.csv") [ "x" ] [ "is no table" ]
        }

        test "a packed file cut short is told" {
            use folder = new Folder()
            let lines = [| for i in 0..2000 -> $"{i},{i * i}" |]

            let packed =
                String.concat "\n" (Array.append [| "x,y" |] lines)
                |> Encoding.UTF8.GetBytes
                |> gzip

            File.WriteAllBytes(folder.File "a.csv", Array.take (packed.Length / 2) packed)
            says (folder.File "a.csv") [ "x"; "y" ] [ "row" ]
        }
    ]

let private parquetFaults =
    testList "faults of Parquet" [
        for name, column, words in
            [
                "a missing value",
                Optional [| Nullable 1.0; Nullable 2.0; Nullable(); Nullable 4.0 |],
                [ "row 3, column 'y'"; "is missing" ]
                "NaN", Doubles [| 1.0; 2.0; 3.0; nan |], [ "row 4, column 'y'"; "NaN"; "finite number" ]
                "a number beyond single precision",
                Doubles [| 1e300; 2.0; 3.0; 4.0 |],
                [ "row 1, column 'y'"; "single precision" ]
                "a column of texts", Texts [| "a"; "b"; "c"; "d" |], [ "column 'y'"; "texts"; "numbers" ]
                "a column of times",
                Times(Array.create 4 DateTime.UnixEpoch),
                [ "column 'y'"; "type DateTime"; "numbers" ]
            ] do
            test $"{name} is told with its place" {
                use folder = new Folder()
                writeParquet (folder.File "a") 2 [ "x", Singles [| 1f .. 4f |]; "y", column ]
                says (folder.File "a") [ "x"; "y" ] words
            }

        test "a damaged file is told" {
            use folder = new Folder()
            writeParquet (folder.File "a") 100 [ "x", Singles [| 1f .. 100f |] ]
            let bytes = File.ReadAllBytes(folder.File "a")
            File.WriteAllBytes(folder.File "short", Array.take (bytes.Length / 2) bytes)
            says (folder.File "short") [ "x" ] [ "cannot be read as Parquet" ]
            Array.fill bytes 4 40 0xFFuy
            File.WriteAllBytes(folder.File "broken", bytes)
            says (folder.File "broken") [ "x" ] [ "cannot be read as Parquet" ]
        }

        test "an unknown column is told" {
            use folder = new Folder()
            writeParquet (folder.File "a") 2 [ "weight", Singles [| 1f |] ]
            says (folder.File "a") [ "wieght" ] [ "no column 'wieght'"; "did you mean 'weight'" ]
        }
    ]

let private array: byte[] = npyFloats [ 2; 3 ] [ 1f .. 6f ]

let private archiveFaults =
    testList "faults of archives" [
        for name, arrays, words in
            [
                "NaN",
                [ "x", npyFloats [ 2; 2 ] [ 1f; 2f; 3f; nanf ] ],
                [ "sequence 2, step 2, column 'x'"; "NaN" ]
                "another count of sequences",
                [ "y", array; "x", npyFloats [ 3 ] [ 1f; 2f; 3f ] ],
                [ "array 'x'"; "3 sequences"; "array 'y' 2" ]
                "another count of steps",
                [ "y", npyFloats [ 1; 2; 1 ] [ 1f; 2f ]; "x", npyFloats [ 1; 1; 1 ] [ 1f ] ],
                [ "array 'x'"; "second dimension 1"; "array 'y' 2" ]
                "no array with steps",
                [ "x", npyFloats [ 2 ] [ 1f; 2f ] ],
                [ "no array of two or three dimensions" ]
                "a fourth dimension",
                [ "x", npyFloats [ 2; 1; 1; 1 ] [ 1f; 2f ]; "y", array ],
                [ "array 'x'"; "4 dimensions" ]
                "a dimension of 0", [ "x", npyFloats [ 0; 3 ] [] ], [ "array 'x'"; "dimension of 0" ]
                "complex numbers",
                [ "x", npy "<c8" [ 1; 1 ] (Array.zeroCreate 8) ],
                [ "array 'x'"; "type that is not known" ]
                "long doubles",
                [ "x", npy "<f16" [ 1; 1 ] (Array.zeroCreate 16) ],
                [ "array 'x'"; "type <f16" ]
                "texts", [ "x", npyTexts [ "a"; "b" ]; "y", array ], [ "array 'x'"; "holds texts" ]
                "an array cut short", [ "x", Array.take 140 array ], [ "array 'x'"; "is truncated: 6 values" ]
                "an array that goes on",
                [ "x", Array.append array [| 0uy |] ],
                [ "array 'x'"; "goes on after the 6 values" ]
                "a header cut short", [ "x", Array.take 20 array ], [ "array 'x'"; "within its header" ]
                "something else", [ "x", [| 1uy .. 30uy |] ], [ "array 'x'"; "no array of NumPy's format" ]
                "an unknown array", [ "y", array ], [ "no column 'x'"; "did you mean 'y'" ]
                "no array", [], [ "holds no .npy arrays" ]
            ] do
            test $"{name} is told" {
                use folder = new Folder()
                writeNpz (folder.File "a") arrays
                says (folder.File "a") [ "x" ] words
            }

        test "Fortran's order is told, with what to do" {
            use folder = new Folder()
            let header = Encoding.Latin1.GetString(array).Replace("False", "True ")
            writeNpz (folder.File "a") [ "x", Encoding.Latin1.GetBytes header ]
            says (folder.File "a") [ "x" ] [ "array 'x'"; "Fortran's order"; "ascontiguousarray" ]
        }

        test "a damaged archive and a lone array are told" {
            use folder = new Folder()
            writeNpz (folder.File "a") [ "x", array ]
            let bytes = File.ReadAllBytes(folder.File "a")
            File.WriteAllBytes(folder.File "short", Array.take (bytes.Length / 2) bytes)
            says (folder.File "short") [ "x" ] [ "cannot be read as an NPZ archive" ]
            File.WriteAllBytes(folder.File "x.npy", array)
            says (folder.File "x.npy") [ "x" ] [ "single .npy array"; ".npz" ]
        }
    ]

let tests = testList "TableReader" [ reading; values; textFaults; parquetFaults; archiveFaults ]
