module NtmLab.Tests.Tasks.Curricula.PredictionGainCurriculumTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests.Tasks.Curricula.Draws

/// Options, a range and the losses before and after each batch's step.
type Case = {
    Curriculum: PredictionGainCurriculum
    Range: LengthRange
    Losses: (float * float) list
    Seed: uint64
}

type Arbitraries =
    static member Case() : Arbitrary<Case> =
        gen {
            let! arms = Gen.choose (2, 7)
            let! eta = Gen.elements [ 1e-3; 0.1; 0.5 ]
            let! epsilon = Gen.elements [ 0.05; 0.5; 1.0 ]
            let! beta = Gen.elements [ 0.0; 0.1; -0.2 ]
            let! shortest = Gen.choose (1, 9)
            let! longer = Gen.choose (0, 20)
            let loss = Gen.choose (0, 1000) |> Gen.map (fun value -> float value / 10.0)
            let! losses = Gen.listOfLength 60 (Gen.zip loss loss)
            let! seed = Gen.choose (0, Int32.MaxValue)

            return {
                Curriculum =
                    PredictionGainCurriculum(
                        Arms = arms,
                        Eta = eta,
                        Epsilon = epsilon,
                        Beta = beta,
                        Reservoir = 20
                    )
                Range = LengthRange(shortest, shortest + longer)
                Losses = losses
                Seed = uint64 seed
            }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }

/// The arms' lengths: parts of the range as equal as whole lengths allow.
let private parts (range: LengthRange) (arms: int) : int list list =
    let count = range.Longest - range.Shortest + 1
    let arms = min arms count

    [ range.Shortest .. range.Longest ]
    |> List.indexed
    |> List.groupBy (fun (place, _) ->
        List.findBack (fun arm -> arm * count / arms <= place) [ 0 .. arms - 1 ])
    |> List.map (snd >> List.map snd)

let private policy (epsilon: float) (weights: float list) : float list =
    let sum = weights |> List.sumBy exp

    weights
    |> List.map (fun weight -> (1.0 - epsilon) * exp weight / sum + epsilon / float weights.Length)

/// The least of the sorted values that at least this part of all do not exceed.
let private percentile (part: float) (sorted: float list) : float =
    sorted
    |> List.indexed
    |> List.pick (fun (place, value) ->
        if float (place + 1) / float sorted.Length >= part - 1e-12 then
            Some value
        else
            None)

let private reward (past: float list) (gain: float) : float =
    match past with
    | [] -> 0.0
    | past ->
        let low, high = percentile 0.2 past, percentile 0.8 past

        if gain < low then -1.0
        elif gain >= high then 1.0
        else 2.0 * (gain - low) / (high - low) - 1.0

/// The weights after batch t, from 1, as the paper writes them.
let private exp3s
    (options: PredictionGainCurriculum)
    (t: int)
    (weights: float list)
    (chosen: int)
    (value: float)
    =
    let chances = policy options.Epsilon weights
    let alpha = 1.0 / float (t + 1)

    let grown =
        List.mapi2
            (fun arm weight chance ->
                exp (
                    weight
                    + options.Eta * ((if arm = chosen then value else 0.0) + options.Beta) / chance
                ))
            weights
            chances

    match weights.Length with
    | 1 -> weights
    | arms -> [
        for arm in 0 .. arms - 1 ->
            let others = grown |> List.removeAt arm |> List.sum
            log ((1.0 - alpha) * grown[arm] + alpha / float (arms - 1) * others)
      ]

/// Each batch of a case: the state before, its length, its gain and the state after.
let private tell (case: Case) : (CurriculumState * int * float * CurriculumState) list =
    case.Losses
    |> List.indexed
    |> List.mapFold
        (fun state (index, (before, after)) ->
            let random = RandomStream(case.Seed, "train", uint64 index)
            let length = case.Curriculum.Draw(case.Range, state, 0.5, random)
            let outcome = BatchOutcome(length, before, after, 0.0, 4)
            let next = case.Curriculum.Observe(case.Range, state, outcome)
            (state, length, (before - after) / float length, next), next)
        (case.Curriculum.Start case.Range)
    |> fst

let private bandit =
    testList "Exp3.S" [
        testPropertyWithConfig config "gives the weights of a plain reimplementation" (fun (case: Case) ->
            let arms = parts case.Range case.Curriculum.Arms
            let start = List.replicate arms.Length 0.0

            (start, List.indexed (tell case))
            ||> List.fold (fun weights (index, (state, length, gain, next)) ->
                let chosen = arms |> List.findIndex (List.contains length)
                let value = reward (List.ofSeq state.Gains) gain
                let weights = exp3s case.Curriculum (index + 1) weights chosen value

                for mine, theirs in Seq.zip weights next.Weights do
                    Expect.isLessThan (abs (mine - theirs)) (1e-9 * (1.0 + abs mine)) $"batch {index + 1}"

                Expect.equal next.Weights.Count arms.Length "one each"
                weights)
            |> ignore)

        test "draws every arm as often as its probability says, and its lengths equally often" {
            let weights = [ 0.0; 1.0; -1.0; 0.5 ]
            let range = LengthRange(3, 13)
            let curriculum = PredictionGainCurriculum(Arms = 4, Epsilon = 0.2)
            let state = CurriculumState(Weights = List.toArray weights)

            Array.init 20_000 (draw curriculum range state 0.5)
            |> fit (
                mixture [
                    for chance, lengths in List.zip (policy 0.2 weights) (parts range 4) ->
                        chance, uniform (List.head lengths) (List.last lengths)
                ]
            )
        }

        test "begins with every length equally likely" {
            let curriculum = PredictionGainCurriculum(Arms = 5)
            let range = LengthRange(1, 20)
            fit (uniform 1 20) (Array.init 4000 (draw curriculum range (curriculum.Start range) 0.0))
        }

        test "has one arm a length where lengths are few" {
            let arms first last = (PredictionGainCurriculum().Start(LengthRange(first, last))).Weights.Count
            Expect.equal (arms 2 6) 5 "five lengths"
            Expect.equal (arms 20 20) 1 "one length"
            Expect.equal (arms 1 1000) 20 "as many as it should"
        }

        test "comes to prefer the lengths that are learned fastest" {
            let curriculum = PredictionGainCurriculum(Arms = 5, Eta = 0.01)
            let range = LengthRange(1, 20)
            let noise = RandomStream(2UL, "noise")

            let observe state index =
                let length = curriculum.Draw(range, state, 0.5, RandomStream(3UL, "train", index))
                let gain = if length > 8 && length <= 12 then 1.0 else 0.0
                let loss = 100.0 + float length * (gain + noise.NextUniform(-0.1, 0.1))
                curriculum.Observe(range, state, BatchOutcome(length, loss, 100.0, 0.0, 4))

            let last = (curriculum.Start range, [ 0UL .. 1999UL ]) ||> List.fold observe
            let chances = policy 0.05 (List.ofSeq last.Weights)
            Expect.isGreaterThan chances[2] 0.7 "the third part of five"
        }

        test "stays a distribution whatever the weights" {
            let curriculum = PredictionGainCurriculum(Arms = 3, Eta = 1e6)
            let range = LengthRange(1, 3)

            let observe state index =
                let length = curriculum.Draw(range, state, 0.5, RandomStream(3UL, "train", index))
                curriculum.Observe(range, state, BatchOutcome(length, 2.0, 1.0, 0.0, 4))

            let last = (curriculum.Start range, [ 0UL .. 199UL ]) ||> List.fold observe
            Expect.all last.Weights Double.IsFinite "no overflow"
        }
    ]

let private reservoir =
    testList "reservoir" [
        testPropertyWithConfig config "keeps a part of all gains, in order" (fun (case: Case) ->
            let mutable gains = []

            for state, _, gain, next in tell case do
                gains <- List.sort (gain :: gains)
                let kept = List.ofSeq next.Gains
                Expect.equal (List.sort kept) kept "ascending"

                if gains.Length <= 20 then
                    Expect.equal kept gains "all of them at first"
                else
                    Expect.equal kept.Length 20 "no more than that"
                    let counts (values: float seq) = values |> Seq.countBy id |> Map.ofSeq
                    let before, after = counts state.Gains, counts kept
                    let count value map = map |> Map.tryFind value |> Option.defaultValue 0

                    let added =
                        after.Keys
                        |> Seq.sumBy (fun value -> max 0 (count value after - count value before))

                    Expect.isLessThanOrEqual added 1 "one changes at most"
                    Expect.all kept (fun value -> count value after <= count value (counts gains)) "seen")

        test "keeps every gain with equal probability" {
            let curriculum = PredictionGainCurriculum(Arms = 2, Reservoir = 5)
            let range = LengthRange(1, 2)
            let noise = RandomStream(4UL, "noise")

            let kept _ =
                let gains = Array.init 20 (fun _ -> noise.NextDouble())

                let observe state (gain: float) =
                    curriculum.Observe(range, state, BatchOutcome(1, gain, 0.0, 0.0, 4))

                let last = (curriculum.Start range, gains) ||> Array.fold observe
                [| for reward in last.Gains -> Array.findIndex ((=) reward) gains |]

            Array.init 2000 kept |> Array.concat |> fit (uniform 0 19)
        }

        test "the first gain is worth nothing, as there is none to compare it with" {
            let curriculum = PredictionGainCurriculum(Arms = 2)
            let range = LengthRange(1, 2)
            let next = curriculum.Observe(range, curriculum.Start range, BatchOutcome(1, 5.0, 1.0, 0.0, 4))
            Expect.all next.Weights (fun weight -> abs weight < 1e-12) "as before"
            Expect.equal (List.ofSeq next.Gains) [ 4.0 ] "but it is kept"
        }

        for loss in [ nan; infinity ] do
            test $"a loss of {loss} after the step is the worst, and is not kept" {
                let curriculum = PredictionGainCurriculum(Arms = 3, Eta = 0.5)
                let range = LengthRange(1, 3)

                let state =
                    CurriculumState(Weights = [| 0.0; 0.0; 0.0 |], Gains = [| 0.0; 1.0 |], Batches = 2L)

                let observe after = curriculum.Observe(range, state, BatchOutcome(2, 5.0, after, 0.0, 4))
                Expect.equal (observe loss).Weights (observe 1000.0).Weights "as a great loss"
                Expect.equal (observe loss).Gains state.Gains "the sample is as before"
            }

        test "a gain is that of one step of the task's measure" {
            let curriculum = PredictionGainCurriculum(Arms = 2)
            let range = LengthRange(1, 8)
            let next = curriculum.Observe(range, curriculum.Start range, BatchOutcome(8, 5.0, 1.0, 0.0, 4))
            Expect.equal (List.ofSeq next.Gains) [ 0.5 ] "4 / 8"
        }
    ]

let tests = testList "PredictionGainCurriculum" [ bandit; reservoir ]
