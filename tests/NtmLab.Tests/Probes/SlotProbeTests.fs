module NtmLab.Tests.Probes.SlotProbeTests

open System
open Expecto
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open TorchSharp

/// A saved memory with these slots.
let private memory
    (change: float list)
    (state: (string * float list) list)
    (slots: float list list)
    : SavedMemory =
    let vector (values: float list) = torch.tensor (values |> List.map float32 |> List.toArray)

    SavedMemory(
        "run-1",
        "sample",
        slots.Length,
        2,
        3,
        torch.stack (Seq.map vector slots, 0L),
        torch.zeros (1L, 2L),
        vector change,
        [| for name, values in state -> struct (name, vector values) |]
    )

let private slots = [ [ 3.0; 4.0 ]; [ 0.0; 2.0 ]; [ 6.0; 8.0 ]; [ -1.0; 0.0 ] ]

let private within (test: unit -> unit) () : unit =
    use scope = torch.NewDisposeScope()
    test ()

let tests =
    testList "SlotProbe" [
        testCase "norms and nearest slots are those of the vectors"
        <| within (fun () ->
            let found = SlotProbe.Slots(memory [ 1.0; 1.0; 1.0; 1.0 ] [] slots)
            Expect.equal [ for slot in found -> slot.Norm ] [ 5.0; 2.0; 10.0; 1.0 ] "norms"
            Expect.equal [ for slot in found -> slot.Nearest.Value ] [ 2; 0; 0; 1 ] "nearest"

            for slot, cosine in Seq.zip found [ 1.0; 0.8; 1.0; 0.0 ] do
                Expect.isLessThan (abs (slot.Cosine.Value - cosine)) 1e-6 $"cosine of slot {slot.Slot}")

        testCase "what is not in use is compared with nothing"
        <| within (fun () ->
            let saved = memory [ 1.0; 1.0; 1.0; 1.0 ] [ "strength", [ 0.0; 1.0; 0.001; 0.5 ] ] slots
            let found = SlotProbe.Slots saved
            Expect.equal (SlotProbe.UseName saved) "strength" "the policy has one"
            Expect.equal [ for slot in found -> slot.IsUsed ] [ false; true; true; true ] "above 0"

            Expect.equal
                [ for slot in found -> Option.ofNullable slot.Nearest ]
                [ None; Some 2; Some 1; Some 1 ]
                "among those in use")

        testCase "usage and change count from a hundredth of the greatest"
        <| within (fun () ->
            for name, saved in
                [
                    "usage", memory [ 0.0; 0.0; 0.0; 0.0 ] [ "usage", [ 0.9; 0.1; 0.008; 0.0 ] ] slots
                    "change", memory [ 0.9; 0.1; 0.008; 0.0 ] [ "readWeighting", [ 1.0 ] ] slots
                ] do
                Expect.equal (SlotProbe.UseName saved) name "which"

                Expect.equal
                    [ for slot in SlotProbe.Slots saved -> slot.IsUsed ]
                    [ true; true; false; false ]
                    name)

        testCase "one slot in use has no nearest, and a blank memory no slot in use"
        <| within (fun () ->
            let one = SlotProbe.Slots(memory [ 0.0; 1.0; 0.0; 0.0 ] [] slots)
            Expect.isFalse one[1].Nearest.HasValue "nothing to compare with"
            let none = SlotProbe.Slots(memory [ 0.0; 0.0; 0.0; 0.0 ] [] slots)
            Expect.isFalse (none |> Seq.exists _.IsUsed) "blank")

        testCase "many slots are compared as few are"
        <| within (fun () ->
            // More than are compared at once; each vector stands twice, at places far apart.
            let half = 700
            let angle slot = Math.PI * float (slot % half) / float half
            let many = [ for slot in 0 .. 2 * half - 1 -> [ cos (angle slot); sin (angle slot) ] ]
            let found = SlotProbe.Slots(memory [ for _ in many -> 1.0 ] [] many)

            for slot in found do
                Expect.equal
                    ((slot.Nearest.Value - slot.Slot + 2 * half) % half)
                    0
                    $"the twin of slot {slot.Slot}")
    ]
