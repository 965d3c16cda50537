module NtmLab.Tests.Tasks.Curricula.PromotingCurriculumTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab.Tasks
open NtmLab.Tests.Tasks.Curricula.Draws

/// A window, and batches by length, score and sequences.
type Case = {
    From: int
    Window: int
    Step: int
    Factor: float
    Batches: (int * float * int) list
}

type Arbitraries =
    static member Case() : Arbitrary<Case> =
        gen {
            let! from = Gen.elements [ 0; 2; 4; 9 ]
            let! window = Gen.choose (1, 12)
            let! step = Gen.choose (1, 3)
            let! factor = Gen.elements [ 1.0; 1.25; 2.0; 3.7 ]
            let score = Gen.elements [ 0.0; 0.25; 0.5; 0.75; 1.0 ]
            let! batches = Gen.listOfLength 100 (Gen.zip3 (Gen.choose (2, 9)) score (Gen.choose (1, 5)))

            return {
                From = from
                Window = window
                Step = step
                Factor = factor
                Batches = batches
            }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }

let private range = LengthRange(2, 9)

/// The levels after each batch by the rule: the newest first, the scores of one level are all kept.
let private expected (case: Case) (score: float) (isAt: int -> int -> bool) (above: int -> int) : int list =
    let observe (level: int, scores: float list) (length: int, value: float, sequences: int) =
        if level = range.Longest || not (isAt level length) then
            level, (level, scores)
        else
            let scores = List.replicate sequences value @ scores

            if
                scores.Length >= case.Window
                && List.average (List.take case.Window scores) <= score
            then
                let next = min (above level) range.Longest
                next, (next, [])
            else
                level, (level, scores)

    case.Batches |> List.mapFold observe (max range.Shortest case.From, []) |> fst

let private levels (curriculum: Curriculum) (case: Case) : int list =
    case.Batches
    |> List.mapFold
        (fun state (length, score, sequences) ->
            let next = curriculum.Observe(range, state, BatchOutcome(length, 1.0, nan, score, sequences))

            next.Level, next)
        (curriculum.Start range)
    |> fst

/// The level after batches of four of these lengths and scores.
let private levelAfter (curriculum: Curriculum) (batches: (int * float) list) : int =
    (curriculum.Start range, batches)
    ||> List.fold (fun state (length, score) -> curriculum.Observe(range, state, outcome length score))
    |> _.Level

let private promote =
    testList "promote" [
        testPropertyWithConfig config "grows when and only when it should" (fun (case: Case) ->
            let curriculum =
                PromoteCurriculum(
                    From = case.From,
                    Score = 0.5,
                    Window = case.Window,
                    Step = case.Step,
                    Factor = case.Factor
                )

            let above level = max (level + case.Step) (int (ceil (float level * case.Factor)))
            Expect.equal (levels curriculum case) (expected case 0.5 (=) above) "the levels")

        test "draws uniformly from the shortest to its level" {
            for level in [ 2; 5; 9 ] do
                Array.init 4000 (draw (PromoteCurriculum()) range (CurriculumState(Level = level)) 0.5)
                |> fit (uniform 2 level)
        }

        let curriculum = PromoteCurriculum(Score = 0.5, Window = 8)

        for name, batches, level in
            [
                "does not grow before its window is full", [ 2, 0.0 ], 2
                "grows when the mean is the score wanted", [ 2, 0.0; 2, 1.0 ], 3
                "does not grow when the mean is greater", [ 2, 0.1; 2, 1.0 ], 2
                "forgets what left the window", [ 2, 9.0; 2, 0.5; 2, 0.5 ], 3
                "learns nothing from shorter batches than the greatest",
                [ 2, 0.0; 2, 0.0; 2, 0.0; 2, 0.0; 2, 0.0 ],
                3
                "gathers scores anew after it grew", [ 2, 0.0; 2, 0.0; 3, 0.0 ], 3
                "grows again with scores of the new level", [ 2, 0.0; 2, 0.0; 3, 0.0; 3, 0.0 ], 4
            ] do
            test name { Expect.equal (levelAfter curriculum batches) level "the level" }

        test "stops at the longest length" {
            let eager = PromoteCurriculum(Score = 1.0, Window = 1, Step = 100)
            Expect.equal (levelAfter eager [ 2, 0.0; 9, 0.0; 9, 0.0 ]) 9 "of the range"
        }

        test "grows by its factor where that is more than its step" {
            let eager = PromoteCurriculum(Score = 1.0, Window = 1, Step = 2, Factor = 1.5)
            Expect.equal (levelAfter eager [ 2, 0.0 ]) 4 "2 + 2"
            Expect.equal (levelAfter eager [ 2, 0.0; 4, 0.0 ]) 6 "4 + 2 = 4 x 1.5"
            Expect.equal (levelAfter eager [ 2, 0.0; 4, 0.0; 6, 0.0 ]) 9 "6 x 1.5"
        }
    ]

/// The probability of each length, by the paper's rule: e above what the range allows counts for the longest length.
let private mixed (level: int) : Map<int, float> =
    let limits = [
        for e in 1..40 -> 0.5 ** (if e = 40 then 39.0 else float e), min (level + e) range.Longest
    ]

    mixture [
        0.10, uniform range.Shortest range.Longest
        for probability, limit in limits do
            0.25 * probability, uniform range.Shortest limit
            0.65 * probability, Map [ limit, 1.0 ]
    ]

let private lookAndSay =
    testList "look-and-say" [
        testPropertyWithConfig config "grows when and only when it should" (fun (case: Case) ->
            let curriculum = LookAndSayCurriculum(From = case.From, Score = 0.5, Window = case.Window)
            let isAt level length = length = level || length = level + 1
            Expect.equal (levels curriculum case) (expected case 0.5 isAt ((+) 1)) "the levels")

        for level in [ 2; 5; 8; 9 ] do
            test $"draws as often as the paper's shares say at level {level}" {
                Array.init 20_000 (draw (LookAndSayCurriculum()) range (CurriculumState(Level = level)) 0.5)
                |> fit (mixed level)
            }

        test "can leave out each share" {
            let lengths whole back forward =
                let curriculum =
                    LookAndSayCurriculum(WholeShare = whole, BackShare = back, ForwardShare = forward)

                Array.init 4000 (draw curriculum range (CurriculumState(Level = 8)) 0.5)

            fit (uniform 2 9) (lengths 1.0 0.0 0.0)
            fit (uniform 2 9) (lengths 0.0 1.0 0.0)
            fit (uniform 9 9) (lengths 0.0 0.0 1.0)
        }
    ]

let tests = testList "PromotingCurriculum" [ promote; lookAndSay ]
