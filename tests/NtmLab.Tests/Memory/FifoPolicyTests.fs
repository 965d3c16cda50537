module NtmLab.Tests.Memory.FifoPolicyTests

open Expecto
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests.Memory.KeepingCase

let private a = [ 1.0; 0.0 ]

let private b = [ 0.0; 1.0 ]

let private c = [ -1.0; 1.0 ]

let private d = [ -1.0; -1.0 ]

let private offers (vectors: float list list) =
    play (new FifoPolicy(FifoOptions(Width = 2))) 3 [
        for vector in vectors -> offering [ 0.0 ] vector vector []
    ]

let tests =
    testList "FifoPolicy" [
        law "place, memory, strengths and reads are those of plain loops" (fun case ->
            use policy = new FifoPolicy(FifoOptions(Width = case.Width, ReadHeads = case.Heads))
            followsAlone case policy 0 KeepingOracle.fifo)

        // step      before   a   b   c   d
        // slot 0      9      a   a   a   d
        // slot 1      9      9   b   b   b
        // slot 2      9      9   9   c   c
        test "the vector after the last slot goes over the oldest one" {
            let memories = [
                for memory, _, _ in offers [ a; b; c; d ] -> List.map List.ofArray (List.ofArray memory)
            ]

            let blank = [ 9.0; 9.0 ]

            Expect.equal
                memories
                [ [ a; blank; blank ]; [ a; b; blank ]; [ a; b; c ]; [ d; b; c ] ]
                "a ring of three"
        }

        test "only what was saved is found, in the step that saves it too" {
            let _, strength, read = (offers [ a ])[0]
            Expect.equal strength [| 1.0; 0.0; 0.0 |] "one slot is held"
            Expect.equal read [| 1.0; 0.0; 0.0 |] "and read"
        }
    ]
