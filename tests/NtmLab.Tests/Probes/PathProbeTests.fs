module NtmLab.Tests.Probes.PathProbeTests

open System
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Samples
open TorchSharp

/// Models whose shortest path ends, or goes by another way, within a few steps.
let private short: (string * ModelOptions) list = [
    "context attention of 4 steps", ContextAttentionOptions(Context = 4)
]

let private catalogue: (string * ModelOptions) list = [
    for entry in Catalog.Models ->
        entry.Name, (nonNull (Activator.CreateInstance entry.Type) :?> ModelOptions)
]

let tests =
    testList "PathProbe" [
        for name, options in short @ catalogue do
            test $"changing an input of {name} changes an output exactly where it states a path" {
                use scope = torch.NewDisposeScope()
                use model = options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))
                let lags = [| 0; 1; 2; 3; 4; 5; 9; 14 |]

                for found in PathProbe.Measure(model, lags) do
                    Expect.equal found.Verdict PathVerdict.Confirmed $"%A{found}"
            }

        test "a change without a path refutes the model, and a path without a change is lost" {
            let verdict (hops: Nullable<int64>) (change: float) = PathAtLag(3, hops, change).Verdict
            Expect.equal (verdict (Nullable()) 1e-12) PathVerdict.Refuted "no path"
            Expect.equal (verdict (Nullable()) 0.0) PathVerdict.Confirmed "no path, no change"
            Expect.equal (verdict (Nullable 4L) 0.0) PathVerdict.Lost "too small to see"
            Expect.equal (verdict (Nullable 4L) 1e-12) PathVerdict.Confirmed "seen"
        }
    ]
