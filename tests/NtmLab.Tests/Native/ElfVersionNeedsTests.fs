module NtmLab.Tests.Native.ElfVersionNeedsTests

open System
open System.IO
open Expecto
open NtmLab.Native
open NtmLab.Tests.Native.ElfImage

let private harmless = [| "_init" |]

/// A library that demands two versions: an ordinary one in use, and a newer one that nothing uses.
let private sample = [
    { demand "GLIBCXX_3.4" with Symbols = [ "_used" ]; Relocated = [ "_used" ] }
    { demand "GLIBCXX_3.4.32" with Symbols = [ "_init" ] }
]

let private read (image: byte[]) : ElfVersionNeed list =
    ElfVersionNeeds.Read(ReadOnlySpan image) |> List.ofSeq

let private weaken (image: byte[]) : byte[] =
    ElfVersionNeeds.Weaken(ReadOnlySpan image, "GLIBCXX_3.4.32", harmless)

/// The places at which two files of the same length differ.
let private differences (a: byte[]) (b: byte[]) : int list =
    Expect.equal b.Length a.Length "the same length"

    [
        for i in 0 .. a.Length - 1 do
            if a[i] <> b[i] then
                i
    ]

/// Requires an image to be refused with a sentence.
let private refused (words: string list) (action: unit -> unit) : unit =
    try
        action ()
        failtest "the image was accepted"
    with :? InvalidDataException as fault ->
        Expect.isTrue
            (fault.Message.EndsWith '.' && not (fault.Message.Contains '\n'))
            $"'{fault.Message}' ends a sentence"

        for word in words do
            Expect.stringContains fault.Message word "it says what was wrong"

let private reading =
    testList "reading" [
        test "every demanded version is listed in order" {
            let found = [ for need in read (build sample) -> need.Library, need.Version, need.IsWeak ]

            Expect.equal
                found
                [ "libstdc++.so.6", "GLIBCXX_3.4", false; "libstdc++.so.6", "GLIBCXX_3.4.32", false ]
                "both"
        }

        test "a weak demand is told from a strong one" {
            let found = read (build [ { demand "A" with Weak = true }; demand "B" ])
            Expect.equal [ for need in found -> need.IsWeak ] [ true; false ] "by its flag"
        }

        test "a library without demands has none" { Expect.isEmpty (read (build [])) "an empty list" }

        test "the symbols of a version are named" {
            let symbols = ElfVersionNeeds.SymbolsOf(ReadOnlySpan(build sample), "GLIBCXX_3.4.32")
            Expect.equal (List.ofSeq symbols) [ "_init" ] "only those that carry it"
        }
    ]

let private weakening =
    testList "weakening" [
        test "exactly the flag of the one version changes" {
            let image = build sample
            let need = read image |> List.find (fun need -> need.Version = "GLIBCXX_3.4.32")
            let mended = weaken image
            Expect.equal (differences image mended) [ need.FlagsOffset ] "one byte of the flag's two"
            Expect.equal [ for need in read mended -> need.IsWeak ] [ false; true ] "which now says weak"
        }

        test "weakening twice is weakening once" {
            let once = weaken (build sample)
            Expect.equal (weaken once) once "there is nothing left to do"
        }

        test "the given image is not touched" {
            let image = build sample
            let before = Array.copy image
            weaken image |> ignore
            Expect.equal image before "a copy is changed"
        }

        test "a library that does not demand the version is left as it is" {
            let image = build [ demand "GLIBCXX_3.4" ]
            Expect.equal (weaken image) image "nothing to do"
        }

        test "a version that an unknown symbol carries is refused with the symbol" {
            let image = build [ { demand "GLIBCXX_3.4.32" with Symbols = [ "_init"; "_needed" ] } ]
            refused [ "GLIBCXX_3.4.32"; "'_needed'" ] (fun () -> weaken image |> ignore)
        }

        test "a version that a relocation uses is refused with the symbol" {
            let image =
                build [ { demand "GLIBCXX_3.4.32" with Symbols = [ "_init" ]; Relocated = [ "_init" ] } ]

            refused [ "GLIBCXX_3.4.32"; "relocation"; "'_init'" ] (fun () -> weaken image |> ignore)
        }
    ]

let private damage =
    testList "damage" [
        test "a truncated library is refused, wherever it ends" {
            let image = build sample

            for length in 0 .. image.Length - 1 do
                refused [] (fun () -> weaken (Array.truncate length image) |> ignore)
        }

        test "a library with any one changed byte is read, or refused with a sentence" {
            let image = build sample

            for place in 0 .. image.Length - 1 do
                for change in [ 1uy; 0x80uy; 0xffuy ] do
                    let damaged = Array.copy image
                    damaged[place] <- damaged[place] ^^^ change

                    try
                        weaken damaged |> ignore
                    with :? InvalidDataException ->
                        ()
        }

        test "a text file is refused" {
            refused [ "ELF" ] (fun () -> read (Text.Encoding.ASCII.GetBytes(String('x', 100))) |> ignore)
        }

        test "a 32-bit library is refused" {
            let image = build sample
            image[4] <- 1uy
            refused [ "64-bit" ] (fun () -> read image |> ignore)
        }

        test "a big-endian library is refused" {
            let image = build sample
            image[5] <- 2uy
            refused [ "little-endian" ] (fun () -> read image |> ignore)
        }
    ]

let tests = testList "ElfVersionNeeds" [ reading; weakening; damage ]
