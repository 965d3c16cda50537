module NtmLab.Tests.Benchmarks.BatchBenchmarkTests

open Expecto
open NtmLab
open NtmLab.Benchmarks
open NtmLab.Tasks
open NtmLab.Tests

let tests =
    testList "BatchBenchmark" [
        test "drawing costs something, and little of a fused step" {
            let cost = BatchBenchmark.Measure(CopyTask(MinLength = 4, MaxLength = 6), 2, 3)

            Expect.equal
                (cost.Name, cost.Batch, cost.Length, cost.Steps)
                ("copy", 2, 5, 11L)
                "what was measured"

            Expect.isGreaterThan cost.DrawMicroseconds 0.0 "a time"
            Expect.isLessThan cost.Ratio 0.5 "far from half of a step, whatever else the machine does"
        }

        for option, batch, repeats in [ "--batch", 0, 1; "--repeats", 1, -1 ] do
            test $"an impossible {option} is refused by name" {
                Faults.says<ConfigurationException> [ $"bench: {option}"; "or more" ] (fun () ->
                    BatchBenchmark.Run(batch, repeats) |> ignore)
            }
    ]
