module NtmLab.Tests.Memory.KeepNovelPolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests.Memory.KeepingCase

let private options (threshold: float) (repeats: Repeats) (width: int) (heads: int) =
    KeepNovelOptions(Width = width, ReadHeads = heads, Threshold = threshold, Repeats = repeats)

let private asLoops =
    law "place, memory, strengths and reads are those of plain loops, merging and skipping" (fun case ->
        let threshold = RandomStream(case.Seed, "threshold").NextUniform(-0.5, 1.0)

        for repeats in [ Repeats.Merge; Repeats.Skip ] do
            use policy = new KeepNovelPolicy(options threshold repeats case.Width case.Heads)

            follows case policy 0 (Array.zeroCreate case.Slots) (fun _ _ ->
                KeepingOracle.keepNovel threshold (repeats = Repeats.Merge)))

/// The memory after each of several vectors was offered.
let private memories (threshold: float) (repeats: Repeats) (slots: int) (vectors: float list list) =
    let width = vectors.Head.Length

    [
        for memory, _, _ in
            play (new KeepNovelPolicy(options threshold repeats width 1)) slots [
                for vector in vectors -> offering [ 0.0 ] vector vector []
            ] -> [ for slot in memory -> List.ofArray slot ]
    ]

let private closeTo (actual: float list list) (expected: float list list) (what: string) : unit =
    near (Array.ofList (List.concat actual)) (Array.ofList (List.concat expected)) what

let private a = [ 1.0; 0.0; 0.0 ]

let private b = [ 0.0; 1.0; 0.0 ]

/// Unlike a and b by as much: the cosine is 1 / sqrt 2.
let private both = [ 1.0; 1.0; 0.0 ]

let private blank = [ 9.0; 9.0; 9.0 ]

let private drawn =
    testList "drawn" [
        // step      before   a   a   b   a + b      a
        // slot 0      9      a   a   a   (2a + a + b) / 3, then the mean of four
        // slot 1      9      9   9   b   b          b
        test "a slot holds the mean of all vectors that were merged in it" {
            let after = memories 0.5 Repeats.Merge 3 [ a; a; b; both; a ]
            closeTo after[0] [ a; blank; blank ] "the first one is new"
            closeTo after[1] [ a; blank; blank ] "the same again changes nothing"
            closeTo after[2] [ a; b; blank ] "another one is new"
            closeTo after[3] [ [ 1.0; 1.0 / 3.0; 0.0 ]; b; blank ] "of equally similar slots the first"
            closeTo after[4] [ [ 1.0; 0.25; 0.0 ]; b; blank ] "four vectors"
        }

        test "what is not new is dropped, if it should be" {
            let after = memories 0.5 Repeats.Skip 3 [ a; both; a; b ]
            closeTo (List.last after) [ a; b; blank ] "the first of its kind stays as it is"
        }

        test "a slot that is taken again counts from one" {
            // The threshold lets nothing but opposite and unlike vectors in.
            let c = [ 0.0; 0.0; 1.0 ]
            let after = memories 0.5 Repeats.Merge 2 [ a; a; a; b; c; [ 1.0; 0.0; 1.0 ] ]
            closeTo after[3] [ a; b ] "two slots, the first with three vectors"
            closeTo after[4] [ c; b ] "the third kind goes over the oldest"
            closeTo after[5] [ [ 0.5; 0.0; 1.0 ]; b ] "the mean of two, not of four"
        }

        test "what an empty slot happens to hold makes nothing a repeat" {
            let after = memories 0.5 Repeats.Skip 2 [ [ 1.0; 1.0; 1.0 ] ]
            closeTo after[0] [ [ 1.0; 1.0; 1.0 ]; blank ] "blank slots hold as much, times nine"
        }

        test "with the least threshold all but opposites are one kind" {
            let after = memories -1.0 Repeats.Skip 2 [ a; b; both ]
            closeTo (List.last after) [ a; blank ] "after the first nothing is new"
        }

        test "a repeat that is dropped is not read, what it repeats is" {
            let policy = new KeepNovelPolicy(options 0.5 Repeats.Skip 3 1)
            let steps = [ for vector in [ a; b; a ] -> offering [ 0.0 ] vector a [] ]
            let _, strength, read = List.last (play policy 3 steps)
            Expect.equal strength [| 1.0; 1.0; 0.0 |] "two slots are held"
            Expect.isGreaterThan read[0] 0.99 "the first is found"
        }
    ]

let tests = testList "KeepNovelPolicy" [ asLoops; drawn ]
