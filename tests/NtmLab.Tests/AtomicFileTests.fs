module NtmLab.Tests.AtomicFileTests

open System
open System.IO
open Expecto
open NtmLab
open NtmLab.Tests.Scratch

let private write (path: string) (text: string) : unit =
    AtomicFile.Write(path, fun stream -> stream.Write(ReadOnlySpan(Text.Encoding.UTF8.GetBytes text)))

let private failAfter (written: string) (path: string) : unit =
    AtomicFile.Write(
        path,
        fun stream ->
            stream.Write(ReadOnlySpan(Text.Encoding.UTF8.GetBytes written))
            raise (IOException "No space left on device.")
    )

let tests =
    testList "AtomicFile" [
        test "a new file holds what was written" {
            use folder = new Folder()
            write (folder.File "a.txt") "new"
            Expect.equal (File.ReadAllText(folder.File "a.txt")) "new" "the content"
        }

        test "an old file is replaced whole" {
            use folder = new Folder()
            write (folder.File "a.txt") "old and longer"
            write (folder.File "a.txt") "new"
            Expect.equal (File.ReadAllText(folder.File "a.txt")) "new" "nothing of the old one is left"
        }

        test "a writer that fails leaves the old file" {
            use folder = new Folder()
            write (folder.File "a.txt") "old"

            Faults.says<RunException> [ folder.File "a.txt"; "the previous file is intact" ] (fun () ->
                failAfter "half" (folder.File "a.txt"))

            Expect.equal (File.ReadAllText(folder.File "a.txt")) "old" "the old content"
        }

        test "a writer that fails leaves nothing beside the file" {
            use folder = new Folder()
            write (folder.File "a.txt") "old"

            Faults.sentence<RunException>(fun () -> failAfter "half" (folder.File "a.txt"))
            |> ignore

            Expect.equal
                (Directory.GetFileSystemEntries folder.Path)
                [| folder.File "a.txt" |]
                "only the old file"
        }

        test "a failed first write promises no previous file" {
            use folder = new Folder()

            let message = Faults.sentence<RunException>(fun () -> failAfter "half" (folder.File "a.txt"))

            Expect.isFalse (message.Contains "previous") "there is none"
        }

        test "a missing folder is reported as a fault of the run" {
            use folder = new Folder()
            let path = Path.Combine(folder.Path, "missing", "a.txt")
            Faults.says<RunException> [ path; "cannot be written" ] (fun () -> write path "new")
        }
    ]
