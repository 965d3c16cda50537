module NtmLab.Tests.Cli.ProbeCommandTests

open System.Text.Json
open Expecto
open NtmLab.Tests.Cli.CommandLine

let tests =
    testList "ProbeCommand" [
        test "gradient flow and path length come as JSON, and a table names every lag" {
            let flow = run [ "probe"; "gradient-flow"; "--model"; "gru"; "--lags"; "1,5,20"; "--json" ]

            Expect.equal flow.Code 0 flow.Errors
            use document = JsonDocument.Parse flow.Output
            let gru = document.RootElement[0]
            Expect.equal (gru.GetProperty("norms").GetArrayLength()) 3 "one norm a lag"
            Expect.isLessThan (gru.GetProperty("exponential").GetProperty("rate").GetDouble()) 0.0 "it decays"

            let paths = run [ "probe"; "path-length"; "--model"; "gru"; "--model"; "ntm"; "--lags"; "1,7" ]

            Expect.equal paths.Code 0 paths.Errors

            for shown in [ "lag 1"; "lag 7"; "gru"; "ntm" ] do
                Expect.stringContains paths.Output shown "the table"
        }

        test "an unknown model, a lag that is none and an unknown run are refused in a sentence" {
            let refused (words: string) (options: string list) =
                let outcome = run ("probe" :: "gradient-flow" :: options)
                Expect.equal (outcome.Code, outcome.Output) (2, "") words
                Expect.stringContains outcome.Errors words "the sentence"

            refused "there is no model 'gruu'" [ "--model"; "gruu" ]
            refused "--lags: '5,x'" [ "--model"; "gru"; "--lags"; "5,x" ]
            refused "there is no run 'none'" [ "--run"; "none" ]
        }

        test "costs come as JSON, and as a table with what they are held against" {
            let cost (more: string list) =
                run (
                    [
                        "probe"
                        "cost"
                        "--model"
                        "gru"
                        "--batch"
                        "1,2"
                        "--lengths"
                        "10"
                        "--seconds"
                        "0.2"
                    ]
                    @ more
                )

            let json = cost [ "--json" ]
            Expect.equal json.Code 0 json.Errors
            use document = JsonDocument.Parse json.Output
            let roof = document.RootElement.GetProperty "roofline"
            Expect.isGreaterThan (roof.GetProperty("memoryBytesPerSecond").GetDouble()) 0.0 "measured"
            let model = document.RootElement.GetProperty("models")[0]
            Expect.equal (model.GetProperty("cells").GetArrayLength()) 4 "two batches, training and streaming"
            let cell = model.GetProperty("cells")[0]
            Expect.equal (cell.GetProperty("mode").GetString()) "training" "a way"

            for part, name in [ "work", "intensity"; "time", "stepsPerSecond"; "roof", "ofCache" ] do
                Expect.isGreaterThan (cell.GetProperty(part).GetProperty(name).GetDouble()) 0.0 name

            let table = cost []
            Expect.equal table.Code 0 table.Errors

            for shown in [ "train"; "stream"; "MA/B"; "from the second-level cache"; "from memory" ] do
                Expect.stringContains table.Output shown "the table"
        }

        test "spectra of Jacobians come as JSON, and as a table" {
            let jacobian (more: string list) =
                run (
                    [ "probe"; "jacobian"; "--model"; "rnn"; "--set"; "model.units=5"; "--steps"; "6" ]
                    @ more
                )

            let json = jacobian [ "--json" ]
            Expect.equal json.Code 0 json.Errors
            use document = JsonDocument.Parse json.Output
            let spectrum = document.RootElement[0].GetProperty "spectrum"
            Expect.equal (spectrum.GetProperty("stateSize").GetInt32()) 5 "the option that was set"
            Expect.equal (spectrum.GetProperty("exponents").GetArrayLength()) 5 "one a direction"
            let point = spectrum.GetProperty("points")[0]
            Expect.equal (point.GetProperty("singularValues").GetArrayLength()) 5 "one a direction"
            let table = jacobian []
            Expect.equal table.Code 0 table.Errors

            for shown in [ "rnn"; "radius"; "growth"; "6 steps" ] do
                Expect.stringContains table.Output shown "the table"
        }

        test "options of another probe, and numbers out of range, are refused in a sentence" {
            for words, options in
                [
                    "--batch: is not an option of probe path-length; it is one of cost.",
                    [ "path-length"; "--batch"; "1" ]
                    "--lags: is not an option of probe cost; it is one of gradient-flow and path-length.",
                    [ "cost"; "--lags"; "1" ]
                    "--batch: 0 is not allowed; 1 or more is.", [ "cost"; "--model"; "gru"; "--batch"; "0" ]
                    "--lengths: '1,x' is not allowed", [ "cost"; "--model"; "gru"; "--lengths"; "1,x" ]
                    "there is no model 'gruu'", [ "cost"; "--model"; "gruu" ]
                    "the state of model 'ssm' has 8192 values", [ "jacobian"; "--model"; "ssm" ]
                    "model.unit", [ "jacobian"; "--model"; "rnn"; "--set"; "model.unit=3" ]
                    "--engine: 'fast' is not allowed; reference, auto and fused are.",
                    [ "gradient-flow"; "--model"; "gru"; "--engine"; "fast" ]
                ] do
                let outcome = run ("probe" :: options)
                Expect.equal (outcome.Code, outcome.Output) (2, "") words
                Expect.stringContains outcome.Errors words "the sentence"
        }

        test "a run is probed as it was trained" {
            within (fun runs ->
                let made = run (copying 40 runs)
                Expect.equal made.Code 0 made.Errors

                let probed =
                    run [ "probe"; "gradient-flow"; "--run"; firstRun runs; "--lags"; "1,5"; "--json" ]

                Expect.equal probed.Code 0 probed.Errors
                use document = JsonDocument.Parse probed.Output
                Expect.equal (document.RootElement.GetArrayLength()) 1 "no model of the catalogue beside it"

                let norms = document.RootElement[0].GetProperty "norms"
                let second = norms[1]
                Expect.isGreaterThan (second.GetProperty("mean").GetDouble()) 0.0 "a norm")
        }
    ]
