module NtmLab.Tests.Tasks.RedundantNeedleTaskTests

open System
open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// The same task with another noise.
let private withNoise (noise: float) (task: RedundantNeedleTask) : RedundantNeedleTask =
    RedundantNeedleTask(
        Facts = task.Facts,
        KeyBits = task.KeyBits,
        ValueBits = task.ValueBits,
        MinRepeats = task.MinRepeats,
        MaxRepeats = task.MaxRepeats,
        Noise = noise,
        Order = task.Order
    )

/// A law of drawn tasks, each with a batch of it and the batch that it would be without noise.
let private law
    (name: string)
    (holds: DrawnTask.Case<RedundantNeedleTask> -> SequenceBatch -> SequenceBatch -> unit)
    : Test =
    DrawnTask.law name (RedundantNeedleTask()) (fun case batch ->
        holds case batch (DrawnTask.generate { case with Task = withNoise 0.0 case.Task }))

/// What a step shows: its key, its value and its two flags.
let private parts (task: RedundantNeedleTask) (step: float[]) : float[] * float[] * float * float =
    let content = task.KeyBits + task.ValueBits
    step[.. task.KeyBits - 1], step[task.KeyBits .. content - 1], step[content], step[content + 1]

/// Answers as a person would: note every fact, and look a queried key up in the notes.
let private solve (task: RedundantNeedleTask) (input: float[][]) : float[][] =
    let answer (notes: Map<float[], float[]>) (step: float[]) =
        match parts task step with
        | key, value, 1.0, 0.0 -> Array.zeroCreate task.ValueBits, Map.add key value notes
        | key, _, 0.0, 1.0 -> Map.find key notes, notes
        | _ -> failtest "a step is a fact or the query"

    input |> Array.mapFold answer Map.empty |> fst

/// The steps that show facts.
let private facts (sequence: float[][]) : float[][] = Array.take (sequence.Length - 1) sequence

let private structure =
    testList "structure" [
        law "has a step for every repeat of every fact, and the query" (fun case batch _ ->
            let time = int64 (case.Task.Facts * case.Length + 1)
            Expect.equal batch.Input.shape[1] time "the time"
            Expect.equal (case.Task.InputWidth()) (case.Task.KeyBits + case.Task.ValueBits + 2) "the width")

        law
            "has the target that an independent solver gives without noise, whatever the noise"
            (fun case batch clean ->
                let solved = Tensors.values3 clean.Input |> Array.map (solve case.Task)
                Expect.equal (Tensors.values3 batch.Target) solved "the value of the queried key")

        law "flags the facts and the query" (fun case batch _ ->
            for sequence in Tensors.values3 batch.Input do
                for t, step in Array.indexed sequence do
                    let _, _, fact, query = parts case.Task step
                    let asks = t = case.Task.Facts * case.Length
                    Expect.equal fact (if asks then 0.0 else 1.0) "the facts' channel"
                    Expect.equal query (if asks then 1.0 else 0.0) "the query's channel")

        law "has facts with keys that all differ, each as often as the length says" (fun case _ clean ->
            for sequence in Tensors.values3 clean.Input do
                let keys =
                    facts sequence
                    |> Array.map (fun step -> let key, _, _, _ = parts case.Task step in key)

                let counts = Array.countBy id keys
                Expect.equal counts.Length case.Task.Facts "different keys"
                Expect.all counts (fun (_, count) -> count = case.Length) "each of them")

        law "shows all repeats of a fact one after the other, if it should" (fun case _ clean ->
            if case.Task.Order = RepeatOrder.Blocks then
                for sequence in Tensors.values3 clean.Input do
                    for block in Array.chunkBySize case.Length (facts sequence) do
                        Expect.all block ((=) block[0]) "the same fact")

        law "has no noise in flags and query, and bits without noise" (fun case batch clean ->
            let noise = batch.Input - clean.Input
            let content = int64 (case.Task.KeyBits + case.Task.ValueBits)
            Expect.all (Tensors.values (noise.narrow (2L, content, 2L))) ((=) 0.0) "flags"
            let query = int64 (case.Task.Facts * case.Length)
            Expect.all (Tensors.values (noise.narrow (1L, query, 1L))) ((=) 0.0) "the query"
            Expect.all (Tensors.values clean.Input) (fun x -> x = 0.0 || x = 1.0) "bits"

            for sequence in Tensors.values3 batch.Input do
                let _, value, _, _ = parts case.Task (Array.last sequence)
                Expect.all value ((=) 0.0) "the query does not hold the answer")

        law "counts loss and score in the last step only" (fun case batch _ ->
            let last = case.Task.Facts * case.Length
            let expected = Array.init (last + 1) (fun t -> if t = last then 1.0 else 0.0)

            for mask in Tensors.values2 batch.Mask do
                Expect.equal mask expected "one step of every sequence")

        test "has as many facts as there are keys, if it should" {
            let task = RedundantNeedleTask(Facts = 8, KeyBits = 3, Noise = 0.0)
            use batch = task.Generate(RandomStream(1UL, "needle"), 20, 2)

            for sequence in Tensors.values3 batch.Input do
                Expect.equal (set [ for step in facts sequence -> step[..2] ]).Count 8 "all of them"
        }
    ]

/// How often each of several outcomes comes among many sequences of a length.
let private counts
    (task: RedundantNeedleTask)
    (length: int)
    (outcomes: int)
    (outcome: float[][] -> int)
    : int[] =
    use batch = task.Generate(RandomStream(23UL, "train"), 4000, length)
    Tensors.values3 batch.Input |> Seq.map outcome |> ChiSquare.count outcomes

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let task = RedundantNeedleTask(Facts = 2, KeyBits = 2, ValueBits = 2, Noise = 0.0)
            let batch = task.Generate(RandomStream(1UL, "needle"), 1, 2)

            Expect.equal
                (Tensors.values3 batch.Input)
                [|
                    [|
                        [| 1.0; 1.0; 0.0; 1.0; 1.0; 0.0 |]
                        [| 1.0; 1.0; 0.0; 1.0; 1.0; 0.0 |]
                        [| 0.0; 1.0; 0.0; 1.0; 1.0; 0.0 |]
                        [| 0.0; 1.0; 0.0; 1.0; 1.0; 0.0 |]
                        [| 0.0; 1.0; 0.0; 0.0; 0.0; 1.0 |]
                    |]
                |]
                "two facts, each twice, and the query for the second"

            Expect.equal (Array.last (Array.head (Tensors.values3 batch.Target))) [| 0.0; 1.0 |] "the value"
        }

        test "asks for every fact equally often" {
            counts (RedundantNeedleTask(Facts = 5, KeyBits = 6, Noise = 0.0)) 2 5 (fun sequence ->
                let query = (Array.last sequence)[..5]
                (sequence |> Array.findIndex (fun step -> step[..5] = query)) / 2)
            |> ChiSquare.isUniform
        }

        test "shuffles into every order equally often" {
            let task = RedundantNeedleTask(Facts = 2, Noise = 0.0, Order = RepeatOrder.Shuffled)

            // Facts that nothing but their order tells apart leave 3 orders: where the first step's fact comes again.
            counts task 2 3 (fun sequence ->
                let again = Seq.find (fun t -> sequence[t] = sequence[0]) [ 1..3 ]
                again - 1)
            |> ChiSquare.isUniform
        }

        test "has fair bits in keys and values" {
            let task = RedundantNeedleTask(Facts = 20, KeyBits = 10, Noise = 0.0)
            let batch = task.Generate(RandomStream(22UL, "train"), 40, 1)
            let shown = (batch.Input.narrow (1L, 0L, 20L)).narrow(2L, 0L, 18L)
            ChiSquare.isFair 800 (Tensors.values (shown.sum [| 0L; 1L |]))
        }

        for noise in [ 0.1; 2.0 ] do
            test $"has normal noise with a standard deviation of {noise}, new in each repeat" {
                let batch noise =
                    RedundantNeedleTask(Noise = noise).Generate(RandomStream(3UL, "train"), 100, 4)

                let difference = (batch noise).Input - (batch 0.0).Input
                let added = (difference.narrow (1L, 0L, 16L)).narrow(2L, 0L, 16L) / noise.ToScalar()
                let numbers = Tensors.values added
                let count = float numbers.Length
                // The mean of as many standard normal numbers, of their squares and of their fourth powers.
                let moment (power: int) = numbers |> Array.averageBy (fun z -> pown z power)
                Expect.isLessThan (abs (moment 1)) (4.0 / sqrt count) "no bias"
                Expect.isLessThan (abs (moment 2 - 1.0)) (4.0 * sqrt (2.0 / count)) "the deviation"
                Expect.isLessThan (abs (moment 4 - 3.0)) (4.0 * sqrt (96.0 / count)) "the tails"
                // Single precision rounds a few to the same.
                Expect.isGreaterThan (float (Array.distinct numbers).Length) (0.99 * count) "no number twice"
            }

        test "is the same question of the same facts whatever the noise" {
            let batch noise = RedundantNeedleTask(Noise = noise).Generate(RandomStream(4UL, "train"), 5, 3)

            Expect.equal
                (Tensors.bits (batch 0.7).Target)
                (Tensors.bits (batch 0.0).Target)
                "the same answers"
        }
    ]

let private score =
    testList "score" [
        law "of an answer with one wrong bit is 1, whatever is said before" (fun case batch _ ->
            let query = int64 (case.Task.Facts * case.Length)
            let logits = batch.Target * (2.0).ToScalar() - (1.0).ToScalar()
            logits.narrow(1L, 0L, query).neg_() |> ignore
            Expect.equal (case.Task.Score(logits, batch)) (Array.zeroCreate case.Batch) "none is wrong"
            logits.narrow(1L, query, 1L).narrow(2L, 0L, 1L).neg_() |> ignore
            Expect.equal (case.Task.Score(logits, batch)) (Array.create case.Batch 1.0f) "all are wrong")
    ]

let private faults =
    testList "faults" [
        test "more facts than keys are refused with both" {
            Faults.says<ConfigurationException>
                [ "task.facts: 9"; "3 task.keyBits"; "at most 8" ]
                (RedundantNeedleTask(Facts = 9, KeyBits = 3)).Validate
        }

        for option, task in
            [
                "task.facts", RedundantNeedleTask(Facts = 0)
                "task.facts", RedundantNeedleTask(Facts = SequenceTask.LengthLimit + 1, KeyBits = 40)
                "task.keyBits", RedundantNeedleTask(KeyBits = 0)
                "task.keyBits", RedundantNeedleTask(KeyBits = 63)
                "task.valueBits", RedundantNeedleTask(ValueBits = 0)
                "task.minRepeats", RedundantNeedleTask(MinRepeats = 0)
                "task.maxRepeats", RedundantNeedleTask(MinRepeats = 5, MaxRepeats = 4)
                "task.maxRepeats", RedundantNeedleTask(MaxRepeats = Int32.MaxValue)
                "task.noise", RedundantNeedleTask(Noise = -0.1)
                "task.noise", RedundantNeedleTask(Noise = nan)
                "task.noise", RedundantNeedleTask(Noise = infinity)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }

        test "more repeats of more facts than an array holds are refused" {
            let task = RedundantNeedleTask(Facts = SequenceTask.LengthLimit, KeyBits = 40)

            Faults.says<ConfigurationException> [ "task 'redundant-needle'"; "is not allowed" ] (fun () ->
                task.Generate(RandomStream(1UL, "batch"), 1, SequenceTask.LengthLimit) |> ignore)
        }

        test "the widest key is allowed" { RedundantNeedleTask(KeyBits = 62).Validate() }
    ]

let tests = testList "RedundantNeedleTask" [ structure; randomness; score; faults ]
