module NtmLab.Tests.Probes.WeightingDriftTests

open Expecto
open NtmLab.Probes

/// A trace of one read and one write head over these weightings and strengths of erasing.
let private trace (steps: (float32 list * float32 list * float32) list) : HeadTrace =
    let trace = HeadTrace()

    for read, write, erase in steps do
        let head (values: float32 list) = [| Array.ofList values |]

        trace.Record(
            HeadStep(head read, head write, head [ 0.0f ], head [ erase; erase ], head [ 0.0f; 0.0f ])
        )

    trace

let private focus (writes: bool) (trace: HeadTrace) : HeadFocus list =
    WeightingDrift.Measure trace
    |> Seq.filter (fun found -> found.Writes = writes)
    |> List.ofSeq

let private even: float32 list = [ 0.25f; 0.25f; 0.25f; 0.25f ]

let private on (slot: int) : float32 list = [ for i in 0..3 -> if i = slot then 1.0f else 0.0f ]

let tests =
    testList "WeightingDrift" [
        test "a head on one slot has no entropy, a head on all of them that of the slots" {
            let found = focus false (trace [ on 2, on 0, 0.0f; even, on 0, 0.0f ])
            Expect.equal [ for at in found -> at.Largest ] [ 1.0; 0.25 ] "largest weight"
            Expect.equal found[0].Slot 2 "slot"
            Expect.equal found[0].Entropy 0.0 "none"
            Expect.floatClose Accuracy.high found[1].Entropy (log 4.0) "ln 4"
        }

        test "moves are counted the shorter way around" {
            let slots = [ 1; 2; 0; 3; 3; 1 ]
            let found = focus true (trace [ for slot in slots -> even, on slot, 0.0f ])
            Expect.equal [ for at in found -> at.Move ] [ 1; 1; 2; -1; 0; 2 ] "of four slots"
        }

        test "what later writes erase of a slot is missed when it is read" {
            let steps = [
                on 0, on 1, 0.9f // written
                on 1, even, 0.8f // smeared over: a fifth of it gone
                on 1, even, 0.4f
                on 2, on 2, 0.5f
            ]

            let found = focus false (trace steps)

            let close expected (left: System.Nullable<float>) =
                Expect.floatClose Accuracy.low left.Value expected ""

            Expect.isFalse found[0].Left.HasValue "never written"
            close 0.8 found[1].Left
            close (0.8 * 0.9) found[2].Left
            close 1.0 found[3].Left
        }

        test "nothing is found in an empty trace" {
            Expect.isEmpty (WeightingDrift.Measure(HeadTrace())) "no steps"
        }
    ]
