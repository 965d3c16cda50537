module NtmLab.Tests.Tasks.Curricula.CurriculumTests

open System
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Configuration
open NtmLab.Tasks
open NtmLab.Tests.Tasks.Curricula.Draws

/// What happens to a curriculum: batches of the lengths it draws, with these losses and scores.
type Story = { Range: LengthRange; Batches: (float * float * float) list; Seed: uint64 }

type Arbitraries =
    static member Story() : Arbitrary<Story> =
        gen {
            // The fixed curriculum's length and the exponential one's start are 2.
            let! shortest = Gen.choose (1, 2)
            let! longer = Gen.choose (1, 40)

            let value =
                Gen.oneof [
                    Gen.choose (-1000, 1000) |> Gen.map (fun value -> float value / 100.0)
                    Gen.elements [ 0.0; nan; infinity ]
                ]

            let! batches = Gen.listOf (Gen.zip3 value value (Gen.elements [ 0.0; 0.1; 1e9; 1e10 ]))
            let! seed = Gen.choose (0, Int32.MaxValue)

            return {
                Range = LengthRange(shortest, 2 + longer)
                Batches = batches
                Seed = uint64 seed
            }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }

/// Every batch of a story: the state before it, its length and the state after it.
let private tell (curriculum: Curriculum) (story: Story) : (CurriculumState * int * CurriculumState) list =
    story.Batches
    |> List.indexed
    |> List.mapFold
        (fun state (index, (before, after, score)) ->
            let progress = float index / float story.Batches.Length
            let random = RandomStream(story.Seed, "train", uint64 index)
            let length = curriculum.Draw(story.Range, state, progress, random)
            let next = curriculum.Observe(story.Range, state, BatchOutcome(length, before, after, score, 4))
            (state, length, next), next)
        (curriculum.Start story.Range)
    |> fst

let private laws (name: string) (curriculum: Curriculum) =
    testList name [
        test "is allowed" { curriculum.Validate(LengthRange(1, 20)) }

        testPropertyWithConfig config "draws lengths of the range" (fun (story: Story) ->
            for _, length, _ in tell curriculum story do
                Expect.isGreaterThanOrEqual length story.Range.Shortest "not too short"
                Expect.isLessThanOrEqual length story.Range.Longest "not too long")

        testPropertyWithConfig
            config
            "is decided by the streams and outcomes alone, and changes no state that it was given"
            (fun (story: Story) ->
                let first = tell curriculum story
                Expect.equal (tell curriculum story) first "the same story again"

                for state, next in List.pairwise first |> List.map (fun ((_, _, a), (b, _, _)) -> a, b) do
                    Expect.equal state next "as it was when it was made")

        testPropertyWithConfig
            config
            "has a state that is the same after it was written and read"
            (fun (story: Story) ->
                for _, _, state in tell curriculum story do
                    let text = JsonSerializer.Serialize(state, ConfigurationJson.Options)
                    let again = JsonSerializer.Deserialize<CurriculumState>(text, ConfigurationJson.Options)
                    Expect.equal again state "all of it")
    ]

let tests =
    testList "Curriculum" [
        for name, curriculum in curricula do
            laws name curriculum

        test "two states are equal when all that they hold is" {
            let state () =
                CurriculumState(
                    Level = 3,
                    Recent = [| 1.0; 2.0 |],
                    Weights = [| 3.0 |],
                    Gains = [| 4.0 |],
                    Batches = 5L
                )

            Expect.equal (state ()) (state ()) "the same values in other arrays"
            Expect.equal (state().GetHashCode()) (state().GetHashCode()) "and the same hash"

            for other in
                [
                    CurriculumState(
                        Level = 4,
                        Recent = [| 1.0; 2.0 |],
                        Weights = [| 3.0 |],
                        Gains = [| 4.0 |],
                        Batches = 5L
                    )
                    CurriculumState(
                        Level = 3,
                        Recent = [| 2.0; 1.0 |],
                        Weights = [| 3.0 |],
                        Gains = [| 4.0 |],
                        Batches = 5L
                    )
                    CurriculumState(
                        Level = 3,
                        Recent = [| 1.0; 2.0 |],
                        Weights = [| 0.0 |],
                        Gains = [| 4.0 |],
                        Batches = 5L
                    )
                    CurriculumState(
                        Level = 3,
                        Recent = [| 1.0; 2.0 |],
                        Weights = [| 3.0 |],
                        Gains = [||],
                        Batches = 5L
                    )
                    CurriculumState(
                        Level = 3,
                        Recent = [| 1.0; 2.0 |],
                        Weights = [| 3.0 |],
                        Gains = [| 4.0 |],
                        Batches = 6L
                    )
                ] do
                Expect.notEqual other (state ()) "one value differs"
        }

        test "the uniform one draws every length equally often" {
            let range = LengthRange(3, 12)
            let lengths = Array.init 4000 (draw (UniformCurriculum()) range (CurriculumState()) 0.3)
            fit (uniform 3 12) lengths
        }

        test "the fixed one draws its length, or the longest" {
            let drawn curriculum = draw curriculum (LengthRange(3, 12)) (CurriculumState()) 0.3 1
            Expect.equal (drawn (FixedCurriculum(Length = 5))) 5 "its own"
            Expect.equal (drawn (FixedCurriculum())) 12 "the range's"
        }
    ]
