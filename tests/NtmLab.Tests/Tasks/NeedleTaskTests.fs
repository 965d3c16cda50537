module NtmLab.Tests.Tasks.NeedleTaskTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// A task with a batch of it.
type NeedleCase = { Task: NeedleTask; Batch: int; Lag: int; Seed: uint64 }

type Arbitraries =
    static member NeedleCase() : Arbitrary<NeedleCase> =
        gen {
            let! keyBits = Gen.choose (1, 9)
            let! valueBits = Gen.choose (1, 9)
            let! pairs = Gen.choose (1, min 12 (1 <<< keyBits))
            let! distractors = Gen.elements [ Distractors.Bits; Distractors.Blank ]
            let! batch = Gen.choose (1, 5)
            let! lag = Gen.choose (1, 40)
            let! seed = Gen.choose (0, Int32.MaxValue)

            let task =
                NeedleTask(Pairs = pairs, KeyBits = keyBits, ValueBits = valueBits, Distractors = distractors)

            return { Task = task; Batch = batch; Lag = lag; Seed = uint64 seed }
        }
        |> Arb.fromGen

let private generate (case: NeedleCase) : SequenceBatch =
    case.Task.Generate(RandomStream(case.Seed, "needle"), case.Batch, case.Lag)

let private law (name: string) (holds: NeedleCase -> SequenceBatch -> unit) : Test =
    let check (case: NeedleCase) =
        use batch = generate case
        holds case batch

    testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] } name check

let private bits (batch: SequenceBatch) : byte[] list =
    [ batch.Input; batch.Target; batch.Mask ] |> List.map Tensors.bits

/// What a step shows: its key, its value and its two flags.
let private parts (task: NeedleTask) (step: float[]) : float[] * float[] * float * float =
    let content = task.KeyBits + task.ValueBits
    step[.. task.KeyBits - 1], step[task.KeyBits .. content - 1], step[content], step[content + 1]

/// Answers as a person would: note every pair that is flagged, and look a queried key up in the notes.
let private solve (task: NeedleTask) (input: float[][]) : float[][] =
    let answer (notes: Map<float[], float[]>) (step: float[]) =
        match parts task step with
        | key, value, 1.0, 0.0 -> Array.zeroCreate task.ValueBits, Map.add key value notes
        | key, _, 0.0, 1.0 -> Map.find key notes, notes
        | _ -> Array.zeroCreate task.ValueBits, notes

    input |> Array.mapFold answer Map.empty |> fst

let private structure =
    testList "structure" [
        law "has a step for each pair, the lag and the query" (fun case batch ->
            let time = int64 (case.Task.Pairs + case.Lag + 1)
            let width = int64 (case.Task.KeyBits + case.Task.ValueBits + 2)
            Expect.equal batch.Input.shape [| int64 case.Batch; time; width |] "the input"

            Expect.equal
                batch.Target.shape
                [| int64 case.Batch; time; int64 case.Task.ValueBits |]
                "the target"

            Expect.equal batch.Mask.shape [| int64 case.Batch; time |] "the mask"
            Expect.equal batch.Length case.Lag "the length"
            Expect.equal (int64 (case.Task.InputWidth())) width "the width it tells models"
            Expect.equal (case.Task.OutputWidth()) case.Task.ValueBits "the width of the answer")

        law "has the target that an independent solver gives" (fun case batch ->
            let solved = Tensors.values3 batch.Input |> Array.map (solve case.Task)
            Expect.equal (Tensors.values3 batch.Target) solved "the value of the queried key")

        law "flags the pairs at the start and the query at the end" (fun case batch ->
            let last = case.Task.Pairs + case.Lag

            for sequence in Tensors.values3 batch.Input do
                for t, step in Array.indexed sequence do
                    let _, value, pair, query = parts case.Task step
                    Expect.equal pair (if t < case.Task.Pairs then 1.0 else 0.0) "the pairs' channel"
                    Expect.equal query (if t = last then 1.0 else 0.0) "the query's channel"

                    if t = last then
                        Expect.all value ((=) 0.0) "the query does not hold the answer")

        law "has keys that all differ" (fun case batch ->
            for sequence in Tensors.values3 batch.Input do
                let keys = [
                    for step in Array.take case.Task.Pairs sequence do
                        let key, _, _, _ = parts case.Task step
                        key
                ]

                Expect.equal (List.distinct keys) keys "no key twice")

        law "is blank between pairs and query if it should be" (fun case batch ->
            let between = batch.Input.narrow (1L, int64 case.Task.Pairs, int64 case.Lag)

            if case.Task.Distractors = Distractors.Blank then
                Expect.all (Tensors.values between) ((=) 0.0) "zeros")

        law "counts loss and score in the last step only" (fun case batch ->
            let expected =
                Array.init (case.Task.Pairs + case.Lag + 1) (fun t ->
                    if t = case.Task.Pairs + case.Lag then 1.0 else 0.0)

            for mask in Tensors.values3 (batch.Mask.unsqueeze 0L) |> Array.head do
                Expect.equal mask expected "one step of every sequence")

        law "holds nothing but zeros and ones" (fun _ batch ->
            Expect.all (Tensors.values batch.Input) (fun x -> x = 0.0 || x = 1.0) "bits")

        test "has as many pairs as there are keys, if it should" {
            let task = NeedleTask(Pairs = 8, KeyBits = 3)
            use batch = task.Generate(RandomStream(1UL, "needle"), 20, 1)

            for sequence in Tensors.values3 batch.Input do
                let keys = set [ for step in Array.take 8 sequence -> step[..2] ]
                Expect.equal keys.Count 8 "all of them"
        }
    ]

/// How often each of several outcomes comes among many sequences.
let private counts (task: NeedleTask) (outcomes: int) (outcome: float[][] -> int) : int[] =
    let counts = Array.zeroCreate<int> outcomes
    use batch = task.Generate(RandomStream(23UL, "train"), 4000, 1)

    for sequence in Tensors.values3 batch.Input do
        let outcome = outcome sequence
        counts[outcome] <- counts[outcome] + 1

    counts

/// The key of a step as a whole number.
let private key (bits: int) (step: float[]) : int =
    Array.take bits step
    |> Array.indexed
    |> Array.sumBy (fun (place, bit) -> int bit <<< place)

let private randomness =
    testList "randomness" [
        law "is the same, bit for bit, for the same key" (fun case batch ->
            use again = generate case
            Expect.equal (bits again) (bits batch) "nothing but the key decides")

        test "is another batch for another index" {
            let batch index = NeedleTask().Generate(RandomStream(1UL, "train", index), 4, 10) |> bits
            Expect.notEqual (batch 0UL) (batch 1UL) "batches differ"
        }

        test "of a known key is the known one" {
            let task = NeedleTask(Pairs = 2, KeyBits = 2, ValueBits = 2)
            let batch = task.Generate(RandomStream(1UL, "needle"), 1, 3)

            Expect.equal
                (Tensors.values3 batch.Input)
                [|
                    [|
                        [| 1.0; 1.0; 0.0; 1.0; 1.0; 0.0 |]
                        [| 0.0; 1.0; 0.0; 1.0; 1.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 1.0; 0.0; 0.0 |]
                        [| 1.0; 0.0; 0.0; 0.0; 0.0; 0.0 |]
                        [| 0.0; 1.0; 1.0; 1.0; 0.0; 0.0 |]
                        [| 1.0; 1.0; 0.0; 0.0; 0.0; 1.0 |]
                    |]
                |]
                "two pairs, three distracting steps, the query for the first"

            let answer = (Array.last (Array.head (Tensors.values3 batch.Target)))
            Expect.equal answer [| 0.0; 1.0 |] "the value of the first"
        }

        test "begins with the same sequences however many there are" {
            let batch count = NeedleTask().Generate(RandomStream(1UL, "needle"), count, 7)
            let first = (batch 50).Input.narrow(0L, 0L, 20L)

            Expect.equal
                (Tensors.bits first)
                (Tensors.bits (batch 20).Input)
                "so shorter evaluations see a part of longer"
        }

        test "has the same pairs and query with and without distracting bits" {
            let batch distractors =
                NeedleTask(Pairs = 3, Distractors = distractors).Generate(RandomStream(1UL, "needle"), 1, 9)

            let noisy, blank = batch Distractors.Bits, batch Distractors.Blank
            Expect.equal (Tensors.bits noisy.Target) (Tensors.bits blank.Target) "the same question"
            let pairs (batch: SequenceBatch) = Tensors.bits (batch.Input.narrow (1L, 0L, 3L))
            Expect.equal (pairs noisy) (pairs blank) "the same pairs"
            Expect.notEqual (Tensors.bits noisy.Input) (Tensors.bits blank.Input) "other steps between"
        }

        test "has training lags uniform from the shortest to the longest" {
            let task = NeedleTask(MinLag = 3, MaxLag = 12)
            let counts = Array.zeroCreate<int> 10

            for k in 0UL .. 3999UL do
                use batch = task.Generate(RandomStream(21UL, "train", k), 1)
                counts[batch.Length - 3] <- counts[batch.Length - 3] + 1

            ChiSquare.isUniform counts
        }

        test "has one training lag if the shortest is the longest" {
            use batch = NeedleTask(MinLag = 6, MaxLag = 6).Generate(RandomStream(1UL, "train"), 2)
            Expect.equal batch.Length 6 "the only one"
        }

        test "asks for every pair equally often" {
            let task = NeedleTask(Pairs = 5, KeyBits = 6)

            counts task 5 (fun sequence ->
                let query = (Array.last sequence)[..5]
                sequence |> Array.findIndex (fun step -> step[..5] = query))
            |> ChiSquare.isUniform
        }

        test "draws every key equally often, in every place" {
            for place, pairs in [ 0, 1; 2, 3; 7, 8 ] do
                counts (NeedleTask(Pairs = pairs, KeyBits = 3)) 8 (fun sequence -> key 3 sequence[place])
                |> ChiSquare.isUniform
        }

        test "draws every order of keys equally often" {
            // Of 4 keys taken 2 at a time: 12 orders among the 16 numbers of two keys.
            let orders =
                counts (NeedleTask(Pairs = 2, KeyBits = 2)) 16 (fun sequence ->
                    4 * key 2 sequence[0] + key 2 sequence[1])

            let different = [|
                for a in 0..3 do
                    for b in 0..3 do
                        if a <> b then
                            orders[4 * a + b]
            |]

            Expect.equal (Array.sum different) 4000 "no key twice"
            ChiSquare.isUniform different
        }

        test "has fair bits in values and distracting steps" {
            let task = NeedleTask(Pairs = 20, KeyBits = 8)
            let batch = task.Generate(RandomStream(22UL, "train"), 20, 100)
            let ones (steps: torch.Tensor) = steps.sum ([| 0L; 1L |]) |> Tensors.values
            let values = (batch.Input.narrow (1L, 0L, 20L)).narrow(2L, 8L, 8L)
            let between = (batch.Input.narrow (1L, 20L, 100L)).narrow(2L, 0L, 16L)

            let statistic (draws: float) (counts: float[]) =
                counts
                |> Array.sumBy (fun count -> (count - draws / 2.0) ** 2.0 / (draws / 4.0))

            Expect.isLessThan
                (statistic 400.0 (ones values))
                26.12
                "chi-square, 8 degrees, the 0.1 % quantile"

            Expect.isLessThan (statistic 2000.0 (ones between)) 39.25 "16 degrees"
        }
    ]

let private score =
    testList "score" [
        law "of the right answer is 0, whatever is said before" (fun case batch ->
            let logits = batch.Target * (2.0).ToScalar() - (1.0).ToScalar()
            logits.narrow(1L, 0L, int64 (case.Task.Pairs + case.Lag)).neg_() |> ignore
            Expect.equal (case.Task.Score(logits, batch)) (Array.zeroCreate case.Batch) "no wrong sequence")

        law "of an answer with one wrong bit is 1" (fun case batch ->
            let logits = batch.Target * (2.0).ToScalar() - (1.0).ToScalar()

            logits.narrow(1L, int64 (case.Task.Pairs + case.Lag), 1L).narrow(2L, 0L, 1L).neg_()
            |> ignore

            Expect.equal (case.Task.Score(logits, batch)) (Array.create case.Batch 1.0f) "all are wrong")

        test "without memory is that of guessing" {
            let task = NeedleTask(ValueBits = 2)
            use batch = task.Generate(RandomStream(24UL, "train"), 4000, 1)
            let wrong = task.Score(torch.ones_like batch.Target, batch) |> Array.average
            // 4000 tosses of 3/4: five standard deviations are 0.034.
            Expect.isLessThan (abs (wrong - 0.75f)) 0.034f "1 - 2^-2"
        }

        test "at logits 0 goes with a loss of ln 2 a bit" {
            let task = NeedleTask()
            use batch = task.Generate(RandomStream(1UL, "train"), 3, 5)
            let loss = task.Loss(torch.zeros_like batch.Target, batch).to_type(torch.float64).ToDouble()
            Expect.floatClose Accuracy.medium loss (8.0 * log 2.0) "8 bits"
        }
    ]

let private faults =
    testList "faults" [
        test "lag 0 is refused" {
            Faults.says<ConfigurationException> [ "task 'needle': lag"; "0"; "1 to 10000000" ] (fun () ->
                NeedleTask().Generate(RandomStream(1UL, "needle"), 1, 0) |> ignore)
        }

        test "a batch that no array can hold is refused" {
            Faults.says<ConfigurationException> [ "task 'needle': values in a batch" ] (fun () ->
                NeedleTask().Generate(RandomStream(1UL, "needle"), 64, SequenceTask.LengthLimit)
                |> ignore)
        }

        test "an empty batch is refused" {
            Faults.says<ConfigurationException> [ "task 'needle': batch"; "0"; "1 or more" ] (fun () ->
                NeedleTask().Generate(RandomStream(1UL, "needle"), 0, 1) |> ignore)
        }

        test "more pairs than keys are refused with both" {
            Faults.says<ConfigurationException>
                [ "task.pairs: 9"; "3 task.keyBits"; "at most 8" ]
                (NeedleTask(Pairs = 9, KeyBits = 3)).Validate
        }

        for option, task in
            [
                "task.pairs", NeedleTask(Pairs = 0)
                "task.pairs", NeedleTask(Pairs = SequenceTask.LengthLimit + 1, KeyBits = 40)
                "task.keyBits", NeedleTask(KeyBits = 0)
                "task.keyBits", NeedleTask(KeyBits = 63)
                "task.valueBits", NeedleTask(ValueBits = 0)
                "task.minLag", NeedleTask(MinLag = 0)
                "task.maxLag", NeedleTask(MinLag = 5, MaxLag = 4)
                "task.maxLag", NeedleTask(MaxLag = Int32.MaxValue)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }

        test "the widest key is allowed" { NeedleTask(KeyBits = 62, Pairs = 3).Validate() }
    ]

let tests = testList "NeedleTask" [ structure; randomness; score; faults ]
