module NtmLab.Tests.Tasks.Curricula.GrowingCurriculumTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests.Tasks.Curricula.Draws

/// A range, where growth begins in it and how long it takes, and a moment.
type Case = { Range: LengthRange; From: int; Over: float; Progress: float }

type Arbitraries =
    static member Case() : Arbitrary<Case> =
        gen {
            let! shortest = Gen.choose (1, 30)
            let! longest = Gen.choose (shortest, 2000)
            let! from = Gen.choose (shortest, longest)
            let! over = Gen.choose (0, 100)
            let! progress = Gen.choose (0, 999)

            return {
                Range = LengthRange(shortest, longest)
                From = from
                Over = float over / 100.0
                Progress = float progress / 1000.0
            }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }

/// The greatest length before it is rounded, by logarithms where the growth is exponential.
let private line (a: float) (b: float) (f: float) : float = (1.0 - f) * a + f * b

let private factors (a: float) (b: float) (f: float) : float = exp (line (log a) (log b) f)

let private kinds: (string * (int -> float -> Curriculum) * (float -> float -> float -> float)) list = [
    "linear", (fun from over -> LinearCurriculum(From = from, Over = over)), line
    "exponential", (fun from over -> ExponentialCurriculum(From = from, Over = over)), factors
]

let private start = CurriculumState()

let private growth
    (name: string)
    (make: int -> float -> Curriculum)
    (greatest: float -> float -> float -> float)
    =
    testList name [
        testPropertyWithConfig config "draws uniformly up to its greatest length" (fun (case: Case) ->
            let range = case.Range

            let fraction =
                if case.Progress >= case.Over then
                    1.0
                else
                    case.Progress / case.Over

            let limit = greatest (float case.From) (float range.Longest) fraction
            // Where rounding is undecided, both neighbours will do.
            let limits = List.distinct [ for side in [ -1e-9; 1e-9 ] -> int (floor (limit + 0.5 + side)) ]

            let upTo (limit: int) = [
                for key in 0..20 ->
                    LengthRange(range.Shortest, limit).Draw(RandomStream(1UL, "draws", uint64 key))
            ]

            let drawn = [ for key in 0..20 -> draw (make case.From case.Over) range start case.Progress key ]
            Expect.contains (List.map upTo limits) drawn $"up to {limit}")

        test "begins with the shortest length and ends with all of them" {
            let lengths progress = Array.init 4000 (draw (make 0 0.5) (LengthRange(3, 12)) start progress)
            fit (uniform 3 3) (lengths 0.0)
            fit (uniform 3 12) (lengths 0.5)
            fit (uniform 3 12) (lengths 0.99)
        }

        test "can begin with more, and need not grow" {
            let lengths from over progress =
                Array.init 4000 (draw (make from over) (LengthRange(3, 12)) start progress)

            fit (uniform 3 7) (lengths 7 0.5 0.0)
            fit (uniform 3 12) (lengths 0 0.0 0.0)
        }

        test "never grows beyond a range of one length" {
            for progress in [ 0.0; 0.25; 0.75 ] do
                Expect.equal (draw (make 0 0.5) (LengthRange(6, 6)) start progress 1) 6 "the only one"
        }
    ]

let tests =
    testList "GrowingCurriculum" [
        for name, make, greatest in kinds do
            growth name make greatest

        test "half way, a line is at the mean and equal factors at the geometric mean" {
            let lengths make = Array.init 4000 (draw (make 0 0.5) (LengthRange(4, 64)) start 0.25)
            let _, linear, _ = kinds[0]
            let _, exponential, _ = kinds[1]
            fit (uniform 4 34) (lengths linear)
            fit (uniform 4 16) (lengths exponential)
        }
    ]
