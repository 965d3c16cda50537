module NtmLab.Tests.Runs.RunFoldersTests

open Expecto
open NtmLab.Runs
open NtmLab.Tests.Scratch

let tests =
    testList "RunFolders" [
        RunSourceLaws.tests "folders" (fun runs -> new RunFolders(runs))

        test "a folder that is not there has no runs, and is not made" {
            use folder = new Folder()
            use source = new RunFolders(folder.File "none")
            Expect.isEmpty (source.List()) "none"
            Expect.isFalse (System.IO.Directory.Exists(folder.File "none")) "still"
        }
    ]
