module NtmLab.Tests.Cli.InterchangeCommandTests

open System.IO
open System.Text.Json
open Expecto
open NtmLab.Tests
open NtmLab.Tests.Cli.CommandLine

let private refused (words: string list) (arguments: string list) : unit =
    let outcome = run arguments
    Expect.equal outcome.Code 2 outcome.Errors
    Expect.equal outcome.Output "" "standard output"

    for word in words do
        Expect.stringContains outcome.Errors word "the sentence"

/// What a request that is granted prints.
let private output (arguments: string list) : string =
    let outcome = run arguments
    Expect.equal outcome.Code 0 outcome.Errors
    outcome.Output

/// The scores of an evaluation, as they are printed.
let private scores (arguments: string list) : string =
    use document = JsonDocument.Parse(output (arguments @ [ "--json" ]))
    document.RootElement.GetProperty("evaluation").GetRawText()

let tests =
    testSequenced
    <| testList "ntmlab, interchange" [
        testCase
            "a run's weights and numbers are exported, and the weights imported, scored and shown"
            (fun () ->
                use folder = new Scratch.Folder()
                let runs = folder.Path

                let changes = [
                    "model.kind=lstm"
                    "model.units=12"
                    "training.sequences=64"
                    "training.evaluateEvery=32"
                    "evaluation.lengths=3"
                    "evaluation.sequences=8"
                    "task.maxLength=4"
                ]

                output [
                    "run"
                    "experiments/copy.fsx"
                    "--runs"
                    runs
                    for change in changes do
                        "--set"
                        change
                ]
                |> ignore

                let export (arguments: string list) =
                    [ "export"; "copy-seed1-001"; "--runs"; runs ] @ arguments

                let weights, table = folder.File "weights.pt", folder.File "new/table.csv"
                Expect.stringContains (output (export [ weights ])) $"written: {weights}" "what was written"
                use document = JsonDocument.Parse(output (export [ table; "--json" ]))
                let root = document.RootElement
                Expect.equal (root.GetProperty("format").GetString()) "csv" "the ending says it"
                let files = [ for file in root.GetProperty("files").EnumerateArray() -> file.GetString() ]
                Expect.equal files [ table; folder.File "new/table-evaluations.csv" ] "both tables"

                for file in files do
                    Expect.isTrue (File.Exists file) "they are there"

                output (export [ "--to"; "tensorboard"; folder.File "logs" ]) |> ignore

                let events =
                    Directory.GetFiles(folder.File "logs", "*tfevents*", SearchOption.AllDirectories)

                Expect.equal events.Length 1 "one event file"

                Expect.equal
                    (Path.GetFileName(Path.GetDirectoryName events[0]))
                    "copy-seed1-001"
                    "in the run's folder"

                refused [ weights; "is there already"; "--force" ] (export [ weights ])
                output (export [ weights; "--force" ]) |> ignore
                refused [ "a run and a file"; "1 names" ] (export [])

                let import like file = [ "import"; file; "--like"; like; "--runs"; runs ]
                use made = JsonDocument.Parse(output (import "copy-seed1-001" weights @ [ "--json" ]))
                let id = made.RootElement.GetProperty("run").GetString() |> nonNull
                Expect.equal id "copy-seed1-002" "a new run"
                Expect.equal (made.RootElement.GetProperty("importedFrom").GetString()) weights "where from"
                let evaluate run = [ "evaluate"; run; "--runs"; runs; "--sequences"; "40" ]
                Expect.equal (scores (evaluate id)) (scores (evaluate "copy-seed1-001")) "the same scores"

                Expect.stringContains
                    (output [ "show"; id; "--runs"; runs ])
                    $"imported from {weights}"
                    "it says so"

                refused
                    [ table.Replace("table", "table-evaluations"); "neither" ]
                    (import "copy-seed1-001" (folder.File "new/table-evaluations.csv"))

                refused [ "no run 'copi'" ] (import "copi" weights)
                Expect.equal (Directory.GetDirectories(runs, "copy-*")).Length 2 "nothing else is made")
    ]
