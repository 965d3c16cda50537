module NtmLab.Tests.FSharp.Differentiation.ScriptTests

open Expecto
open NtmLab.Tests.Cli.CommandLine

let tests =
    testList "Script" [
        testCase "the example prints gradient, Hessian and the largest curvature" (fun () ->
            let outcome = run [ "run"; "experiments/differentiate.fsx" ]
            Expect.equal outcome.Code 0 outcome.Errors

            for text in
                [
                    "gradient: [|-215.6; -88.0|]"
                    "[|1330.0; 480.0; 480.0; 200.0|]"
                    "output_bias"
                    "largest curvature of the loss: "
                ] do
                Expect.stringContains outcome.Output text "the output")
    ]
