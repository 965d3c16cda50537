module NtmLab.Tests.Probes.HeadTraceTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open TorchSharp

let private options =
    NtmOptions(Controller = Samples.lstm 3 1, Slots = 5, Width = 3, ReadHeads = 3, WriteHeads = 2)

let private trace (batch: int) (time: int) : HeadTrace =
    use noGradient = torch.no_grad ()
    let trace = HeadTrace()

    (Samples.build 1UL options).Forward(Samples.input 1UL batch time, trace)
    |> ignore

    trace

/// The trace of a memory that grows, of sequences of these lengths one after the other.
let private growing (times: int list) : HeadTrace =
    use noGradient = torch.no_grad ()
    let trace = HeadTrace()
    let options = KeepAllOptions(Controller = Samples.lstm 3 1, Width = 3)
    let model = options.Build(Samples.inputWidth, Samples.outputWidth, RandomStream(1UL, "model"))

    for time in times do
        model.Forward(Samples.input 1UL 2 time, trace) |> ignore

    trace

let tests =
    testList "HeadTrace" [
        test "holds one entry a time step" { Expect.equal (trace 2 6).Steps.Count 6 "six steps" }

        test "holds every head's weightings and vectors" {
            let step = (trace 1 1).Steps[0]
            let sizes (heads: float32[] seq) = [ for head in heads -> head.Length ]
            Expect.equal (sizes step.ReadWeighting) [ 5; 5; 5 ] "three read weightings over five slots"
            Expect.equal (sizes step.WriteWeighting) [ 5; 5 ] "two write weightings"
            Expect.equal (sizes step.Reads) [ 3; 3; 3 ] "three read vectors of width 3"
            Expect.equal (sizes step.Erase) [ 3; 3 ] "two erase vectors"
            Expect.equal (sizes step.Add) [ 3; 3 ] "two add vectors"
        }

        test "holds weightings that sum to 1" {
            for step in (trace 1 5).Steps do
                for weighting in Seq.append step.ReadWeighting step.WriteWeighting do
                    Expect.isLessThan (abs (Array.sum weighting - 1.0f)) 1e-5f "over the slots"
        }

        test "changes no output" {
            use noGradient = torch.no_grad ()
            let model = Samples.build 1UL options
            let x = Samples.input 1UL 2 4
            let traced = model.Forward(x, HeadTrace())
            Expect.equal (Tensors.bits traced) (Tensors.bits (model.Forward x)) "observing changes nothing"
        }

        test "has the same slots in every step of a memory that grows, 0 where they were not there yet" {
            let steps = (growing [ 4 ]).Steps
            Expect.equal steps.Count 4 "four steps"

            for t, step in Seq.indexed steps do
                for weighting in Seq.append step.ReadWeighting step.WriteWeighting do
                    Expect.equal weighting.Length 4 "all slots"
                    Expect.all (Array.skip (t + 1) weighting) ((=) 0.0f) "not there yet"

                let written, read = step.WriteWeighting[0], step.ReadWeighting[0]
                Expect.equal written[t] 1.0f "written where it grew"
                Expect.isLessThan (abs (Array.sum read - 1.0f)) 1e-5f "read as before"
        }

        test "has the same slots in every step of several sequences, the shorter one last" {
            let steps = (growing [ 5; 2 ]).Steps

            Expect.equal
                [ for step in steps -> step.ReadWeighting[0].Length ]
                (List.replicate 7 5)
                "of the longest"
        }
    ]
