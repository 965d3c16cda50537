module NtmLab.Tests.Cli.CompareCommandTests

open System.IO
open System.Text.Json
open Expecto
open NtmLab.Tests
open NtmLab.Tests.Cli.CommandLine

let private train (runs: string) (seed: int) (changes: string list) : unit =
    let outcome =
        run [
            "run"
            "experiments/copy.fsx"
            "--runs"
            runs
            "--seed"
            string seed
            for change in
                [
                    "training.sequences=32"
                    "evaluation.lengths=[2,3]"
                    "evaluation.sequences=8"
                    "task.maxLength=3"
                    "model.kind=lstm"
                ]
                @ changes do
                "--set"
                change
        ]

    Expect.equal outcome.Code 0 outcome.Errors

let tests =
    testSequenced
    <| testList "ntmlab, compare" [
        testCase
            "runs that differ in their seed are one group, and groups are held against each other"
            (fun () ->
                use folder = new Scratch.Folder()
                let runs = folder.Path

                for seed in 1..2 do
                    train runs seed [ "model.units=4" ]
                    train runs seed [ "model.units=5"; "name=wide" ]

                let outcome = run [ "compare"; "copy"; "wide"; "--runs"; runs; "--json" ]
                Expect.equal outcome.Code 0 outcome.Errors
                use document = JsonDocument.Parse outcome.Output
                let groups = document.RootElement.GetProperty "groups"
                let names = [ for group in groups.EnumerateArray() -> group.GetProperty("name").GetString() ]
                Expect.equal names [ "copy"; "wide" ] "groups"

                for group in groups.EnumerateArray() do
                    let seeds = [
                        for seed in group.GetProperty("seeds").EnumerateArray() -> seed.GetInt32()
                    ]

                    Expect.equal seeds [ 1; 2 ] "seeds"

                let contests = document.RootElement.GetProperty "contests"

                let lengths = [
                    for found in contests.EnumerateArray() -> found.GetProperty("length").GetInt32()
                ]

                Expect.equal lengths [ 2; 3 ] "a test for each length"
                let shown = run [ "compare"; "copy-seed1-001"; "wide"; "--runs"; runs ]
                Expect.equal shown.Code 0 shown.Errors
                Expect.stringContains shown.Output "Mann-Whitney" "the table of tests"

                let unknown = run [ "compare"; "copy"; "wid"; "--runs"; runs ]
                Expect.equal (unknown.Code, unknown.Output) (2, "") "an unknown run"
                Expect.stringContains unknown.Errors "there is no run 'wid'" "the sentence"
                let record = Path.Combine(runs, "wide-seed1-001", "run.json")
                let text = File.ReadAllText record
                File.WriteAllText(record, text.Replace("\"score\": ", "\"unknown\": "))
                let damaged = run [ "compare"; "wide-seed1-001"; "--runs"; runs ]
                Expect.notEqual damaged.Code 0 "a damaged record"
                Expect.stringContains damaged.Errors "is damaged" "the sentence")
    ]
