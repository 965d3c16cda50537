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
