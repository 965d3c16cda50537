module NtmLab.Tests.Benchmarks.MemoryBenchmarkTests

open System
open Expecto
open NtmLab
open NtmLab.Benchmarks
open NtmLab.Tests

/// Numbers of a step that takes some time, and of what a fused engine holds for it.
let private isFused (cost: Cost) (what: string) : unit =
    Expect.isTrue (Double.IsFinite cost.Milliseconds && cost.Milliseconds > 0.0) $"{what}: a time"
    Expect.isGreaterThan cost.Bytes 0L $"{what}: memory"

let tests =
    testList "MemoryBenchmark" [
        test "each number of slots has its costs, and the dense rivals theirs up to their limit" {
            let costs = MemoryBenchmark.Run([| 16; 4096 |], steps = 5, denseLimit = 16, warmUp = 30)

            Expect.equal
                [ for cost in costs -> cost.Slots, cost.Steps ]
                [ 16, 5; 4096, 5 ]
                "in the order asked for"

            for cost in costs do
                isFused cost.Sparse $"sparse, {cost.Slots} slots"
                isFused cost.SparseFilled $"filled, {cost.Slots} slots"

                Expect.isGreaterThan
                    cost.SparseFilled.Bytes
                    (int64 cost.Slots * 20L * 4L)
                    "a filled memory takes at least its contents"

            let dense = costs[0]
            isFused (nonNull dense.NtmFused) "a fused NTM"

            for cost in [ dense.SparseReference; dense.Ntm ] do
                let cost = nonNull cost
                Expect.isGreaterThan cost.Milliseconds 0.0 "a dense rival's time"
                // The process may have had room already for what a tiny graph holds.
                Expect.isGreaterThanOrEqual cost.Bytes 0L "and its memory"

            Expect.floatClose
                Accuracy.high
                dense.TimeRatio.Value
                ((nonNull dense.SparseReference).Milliseconds / dense.Sparse.Milliseconds)
                "how many times longer"

            let beyond = costs[1]

            for cost in [ beyond.SparseReference; beyond.Ntm; beyond.NtmFused ] do
                Expect.isNull cost "no dense rival beyond the limit"

            Expect.isFalse
                (beyond.TimeRatio.HasValue || beyond.MemoryRatio.HasValue)
                "and nothing to compare with"
        }

        for option, slots, steps in
            [ "--slots", [| 16; 15 |], 5; "--slots", [| 0 |], 5; "--length", [| 16 |], 2 ] do
            test $"slots %A{slots} with a length of {steps} are refused by the name of {option}" {
                Faults.says<ConfigurationException> [ $"bench: {option}"; "or more" ] (fun () ->
                    MemoryBenchmark.Run(slots, steps) |> ignore)
            }
    ]
