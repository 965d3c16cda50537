module NtmLab.Tests.Data.IdxFileTests

open System
open System.IO
open Expecto
open NtmLab
open NtmLab.Data
open NtmLab.Tests
open NtmLab.Tests.Data.DataFiles
open NtmLab.Tests.Scratch

let private items (file: IdxFile) : float32[] list = [
    for item in 0 .. file.Count - 1 do
        let values = Array.zeroCreate file.ItemLength
        file.CopyItem(item, Span values)
        values
]

let private write (folder: Folder) (name: string) (bytes: byte[]) : string =
    File.WriteAllBytes(folder.File name, bytes)
    folder.File name

let private bytesFile = idx 0x08uy [ 3; 2; 2 ] [| 1uy .. 12uy |]

let private reading =
    testList "reading" [
        testProperty "gives the bytes that were written, item by item" (fun (rows: byte[]) ->
            let count = rows.Length + 1
            use folder = new Folder()

            let values =
                Array.append rows [| 255uy |]
                |> Array.collect (fun value -> [| value; 0uy; 7uy |])

            let file = IdxFile.Read(write folder "a" (idx 0x08uy [ count; 3 ] values))
            Expect.equal (List.ofSeq file.Dimensions) [ count; 3 ] "the dimensions"
            Expect.equal (Array.concat (items file)) (Array.map float32 values) "the values")

        test "gives the same from a file that gzip packed, whatever its name" {
            use folder = new Folder()
            let plain = IdxFile.Read(write folder "plain.gz" bytesFile)
            let packed = IdxFile.Read(write folder "packed" (gzip bytesFile))
            Expect.equal (items packed) (items plain) "the values"
            Expect.equal (items plain |> List.item 1) [| 5f; 6f; 7f; 8f |] "the second item"
        }

        for kind, bytes, expected in
            [
                0x09uy, [| 0xFFuy; 2uy |], [| -1f; 2f |]
                0x0Buy, [| 0xFEuy; 0xD4uy; 1uy; 44uy |], [| -300f; 300f |]
                0x0Cuy, [| 0uy; 1uy; 0x11uy; 0x70uy; 0xFFuy; 0xFEuy; 0xEEuy; 0x90uy |], [| 70000f; -70000f |]
                0x0Duy, floats false true [| 1.5f; -2.25f |], [| 1.5f; -2.25f |]
                0x0Euy, floats true true [| 1.5f; -2.25f |], [| 1.5f; -2.25f |]
            ] do
            test $"knows values of type 0x%02X{kind}" {
                use folder = new Folder()
                let file = IdxFile.Read(write folder "a" (idx kind [ 1; 2 ] bytes))
                Expect.equal (items file).Head expected "signed, most significant byte first"
            }

        test "gives items with their labels" {
            use folder = new Folder()
            let labels = write folder "labels" (idx 0x08uy [ 3 ] [| 7uy; 8uy; 9uy |])
            let struct (images, labels) = IdxFile.ReadLabelled(write folder "images" bytesFile, labels)
            Expect.equal images.Count 3 "the images"
            Expect.equal (items labels) [ [| 7f |]; [| 8f |]; [| 9f |] ] "the labels"
        }
    ]

let private faults =
    testList "faults" [
        for name, bytes, words in
            [
                "an empty file", [||], [ "is empty" ]
                "another magic",
                [| 0x89uy; 0x50uy; 0x4Euy; 0x47uy; 0uy |],
                [ "begins with 89504E47"; "0000TTDD" ]
                "an unknown type",
                [| 0uy; 0uy; 0x0Auy; 1uy; 0uy; 0uy; 0uy; 1uy; 1uy |],
                [ "begins with 00000A01" ]
                "no dimensions", [| 0uy; 0uy; 8uy; 0uy |], [ "begins with 00000800" ]
                "a magic cut short", [| 0uy; 0uy; 8uy |], [ "begins with 000008" ]
                "dimensions cut short", Array.take 10 bytesFile, [ "ends within its 3 dimensions" ]
                "a dimension of 0", idx 0x08uy [ 0; 4 ] [||], [ "holds no values" ]
                "values cut short", Array.take 25 bytesFile, [ "12 values are promised, 9 found" ]
                "trailing bytes", Array.append bytesFile [| 0uy |], [ "goes on after the 12 values" ]
                "dimensions beyond memory",
                idx 0x08uy [ 0x7FFFFFFF; 0x7FFFFFFF ] [| 1uy |],
                [ "promises more than" ]
                "a promise of much",
                idx 0x08uy [ 0x7FFFFF00 ] [| 1uy |],
                [ "2147483392 values are promised, 1 found" ]
            ] do
            test $"{name} is told" {
                use folder = new Folder()
                let path = write folder "a.idx" bytes
                Faults.says<DataException> (path :: words) (fun () -> IdxFile.Read path |> ignore)
            }

        for name, harm in
            [
                "do not unpack",
                fun (packed: byte[]) -> Array.mapi (fun i value -> if i < 10 then value else 255uy) packed
                "were cut short", fun packed -> Array.take (packed.Length - 6) packed
                "have another sum",
                fun packed ->
                    Array.mapi (fun i value -> if i = packed.Length - 5 then ~~~value else value) packed
            ] do
            test $"packed bytes that {name} are told" {
                use folder = new Folder()
                let path = write folder "a.idx" (harm (gzip bytesFile))

                Faults.says<DataException> [ path; "cannot be read to its end" ] (fun () ->
                    IdxFile.Read path |> ignore)
            }

        test "a missing file and a folder are told" {
            use folder = new Folder()

            Faults.says<DataException> [ folder.File "a"; "there is no such file" ] (fun () ->
                IdxFile.Read(folder.File "a") |> ignore)

            Faults.says<DataException> [ folder.Path; "is a folder" ] (fun () ->
                IdxFile.Read folder.Path |> ignore)
        }

        test "labels of another count are told" {
            use folder = new Folder()
            let images = write folder "images" bytesFile
            let labels = write folder "labels" (idx 0x08uy [ 2 ] [| 7uy; 8uy |])

            Faults.says<DataException> [ labels; "holds 2 labels"; "3 items" ] (fun () ->
                IdxFile.ReadLabelled(images, labels) |> ignore)
        }

        test "labels that are images are told" {
            use folder = new Folder()
            let images = write folder "images" bytesFile

            Faults.says<DataException> [ images; "3 dimensions"; "labels have 1" ] (fun () ->
                IdxFile.ReadLabelled(images, images) |> ignore)
        }
    ]

let tests = testList "IdxFile" [ reading; faults ]
