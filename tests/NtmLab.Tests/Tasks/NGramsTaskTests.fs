module NtmLab.Tests.Tasks.NGramsTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private law (name: string) (holds: DrawnTask.Case<NGramsTask> -> SequenceBatch -> unit) : Test =
    DrawnTask.law name (NGramsTask(Order = 3, MinLength = 4, MaxLength = 60)) holds

let private structure =
    testList "structure" [
        law "has one step less than bits, and wants the next bit" (fun case batch ->
            Expect.equal batch.Input.shape[1] (int64 (case.Length - 1)) "the last bit is only wanted"

            for input, target in Array.zip (Tensors.values2 batch.Input) (Tensors.values2 batch.Target) do
                Expect.all input (fun x -> x = 0.0 || x = 1.0) "bits"

                for t in case.Task.Order - 2 .. case.Length - 3 do
                    if t >= 0 then
                        Expect.equal target[t] input[t + 1] "the next one")

        law "counts loss and score where the context is complete" (fun case batch ->
            let first = max 0 (case.Task.Order - 2)
            let expected = Array.init (case.Length - 1) (fun t -> if t < first then 0.0 else 1.0)

            for mask in Tensors.values2 batch.Mask do
                Expect.equal mask expected "after n - 1 bits, and never before the first"

            Expect.equal
                (case.Task.Baseline case.Length).Loss
                (Array.sum expected)
                "one bit each without memory")
    ]

/// How the optimal estimator answers a sequence, and noise where nothing counts, `[1, time, 1]`.
let private estimate (order: int) (bits: int[]) : torch.Tensor =
    let logits = Array.create (bits.Length - 1) 5.0f

    for t, (zeros, ones) in NGramsOracle.predicted order bits do
        logits[t - 1] <- float32 (log ((float ones + 0.5) / (float zeros + 0.5)))

    torch.tensor (logits, 1L, int64 logits.Length, 1L)

let private score =
    testList "score" [
        law "is the cross-entropy in bits, less that of the optimal estimator" (fun case batch ->
            let said = Answers.random case.Task batch case.Seed

            let bits (logit: float) (bit: int) =
                log (1.0 + exp (if bit = 1 then -logit else logit)) / log 2.0

            let sequences = NGramsOracle.sequences batch
            let logits = Tensors.values3 said

            let expected = [|
                for sequence, logits in Array.zip sequences logits ->
                    let said = Array.concat logits

                    Seq.sum [
                        for t, _ in NGramsOracle.predicted case.Task.Order sequence ->
                            bits said[t - 1] sequence[t]
                    ]
                    - NGramsOracle.estimatorBits case.Task.Order sequence
            |]

            for got, expected in Array.zip (case.Task.Score(said, batch)) expected do
                Expect.isLessThan (abs (float got - expected)) 1e-3 "of every sequence")

        law "of the optimal estimator is 0" (fun case batch ->
            let answers = NGramsOracle.sequences batch |> Array.map (estimate case.Task.Order)

            for excess in case.Task.Score(torch.cat (answers, 0L), batch) do
                Expect.isLessThan (abs excess) 1e-3f "no excess")

        law "of the estimator is what the counts of the whole sequence give, in any order" (fun case batch ->
            for bits in NGramsOracle.sequences batch do
                let uncounted = float (case.Length - (NGramsOracle.predicted case.Task.Order bits).Length)
                let whole = NGramsOracle.sequenceBits case.Task.Order bits
                let estimator = NGramsOracle.estimatorBits case.Task.Order bits
                Expect.isLessThan (abs (whole - uncounted - estimator)) 1e-6 "the oracle's two ways agree")
    ]

/// Draws a sequence without its table, bit for bit from the estimator (Pólya's urn); gives the estimator's bits.
let private urn (random: RandomStream) (order: int) (length: int) : float =
    let contexts = 1 <<< (order - 1)
    let counts = Array.init contexts (fun _ -> [| 0.5; 0.5 |])
    let mutable context = random.Next contexts
    let mutable sum = 0.0

    for t in order - 1 .. length - 1 do
        let counts = counts[context]
        let total = counts[0] + counts[1]
        let bit = if random.NextDouble() * total < counts[1] then 1 else 0

        if t > 0 then
            sum <- sum - log (counts[bit] / total) / log 2.0

        counts[bit] <- counts[bit] + 1.0
        context <- (2 * context + bit) % contexts

    sum

/// The number of ways to choose some of several.
let private choose (all: int) (some: int) : float =
    Seq.fold (fun ways i -> ways * float (all - some + i) / float i) 1.0 (seq { 1..some })

let private optimum =
    testList "optimum" [
        test "is what a simulation without tables gives" {
            for order, length in [ 6, 200; 3, 40 ] do
                let random = RandomStream(24UL, "urn")
                let bits = Array.init 3000 (fun _ -> urn random order length)
                let mean = Array.average bits
                let variance = bits |> Array.averageBy (fun bits -> (bits - mean) ** 2.0)
                let optimum = NGramsTask(Order = order).Optimum(length).Value
                Expect.equal optimum.Score 0.0 "no excess"

                Expect.isLessThan
                    (abs (optimum.Loss - mean))
                    // Both are means: five standard errors of 3000 and of 4000 sequences.
                    (5.0 * sqrt (variance * (1.0 / 3000.0 + 1.0 / 4000.0)))
                    $"order {order}"
        }

        test "is the entropy of coins where there is no context" {
            let length = 30

            let moment (power: float) =
                Seq.sum [
                    for ones in 0..length do
                        let bits = NGramsOracle.coinBits (length - ones) ones
                        choose length ones * 2.0 ** -bits * bits ** power
                ]

            Expect.floatClose Accuracy.medium (moment 0.0) 1.0 "chances"
            let entropy = moment 1.0
            let deviation = sqrt (moment 2.0 - entropy * entropy)
            // The first bit is not predicted, and is fair.
            let optimum = NGramsTask(Order = 1).Optimum(length).Value.Loss

            Expect.isLessThan
                (abs (optimum - (entropy - 1.0)))
                (5.0 * deviation / sqrt 4000.0)
                "five standard errors of 4000 sequences"
        }

        test "and the excess without memory add up to the bits that are predicted" {
            let task = NGramsTask()
            let baseline, optimum = task.Baseline 200, task.Optimum(200).Value
            Expect.equal baseline.Loss 195.0 "fair guesses"
            Expect.floatClose Accuracy.high (baseline.Score + optimum.Loss) 195.0 "above the optimum"
        }
    ]

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            use batch = NGramsTask(Order = 3).Generate(RandomStream(1UL, "n-grams"), 2, 12)

            Expect.equal
                (NGramsOracle.sequences batch)
                [| [| 1; 1; 1; 1; 1; 1; 1; 1; 1; 1; 1; 0 |]; [| 1; 0; 1; 0; 1; 0; 1; 1; 1; 0; 1; 0 |] |]
                "a table that gives ones, and one that alternates"
        }

        test "has every sequence as often as tables from Beta(1/2, 1/2) give it" {
            let order, length = 3, 7
            use batch = NGramsTask(Order = order).Generate(RandomStream(21UL, "train"), 20_000, length)
            let number = Array.fold (fun number bit -> 2 * number + bit) 0

            let chances = [|
                for sequence in 0 .. (1 <<< length) - 1 ->
                    let bits = Array.init length (fun t -> (sequence >>> (length - 1 - t)) &&& 1)
                    2.0 ** -(NGramsOracle.sequenceBits order bits)
            |]

            Expect.floatClose Accuracy.high (Array.sum chances) 1.0 "chances"

            NGramsOracle.sequences batch
            |> Seq.map number
            |> ChiSquare.count chances.Length
            |> ChiSquare.fits chances
        }

        test "has tables whose chances follow the arcsine law" {
            let length = 40
            use batch = NGramsTask(Order = 1).Generate(RandomStream(22UL, "train"), 10_000, length)

            let chances = [|
                for ones in 0..length ->
                    choose length ones * 2.0 ** -(NGramsOracle.coinBits (length - ones) ones)
            |]

            NGramsOracle.sequences batch
            |> Seq.map Array.sum
            |> ChiSquare.count chances.Length
            |> ChiSquare.fits chances
        }

        test "has fair bits before the first context is complete" {
            use batch = NGramsTask(Order = 6).Generate(RandomStream(23UL, "train"), 2000, 7)
            let first = batch.Input.narrow (1L, 0L, 5L)
            ChiSquare.isFair 2000 (Tensors.values (first.sum 0L))
        }
    ]

let private faults =
    testList "faults" [
        for option, task in
            [
                "task.order", NGramsTask(Order = 0)
                "task.order", NGramsTask(Order = 21)
                "task.minLength", NGramsTask(Order = 6, MinLength = 6)
                "task.maxLength", NGramsTask(MaxLength = 199)
                "task.maxLength", NGramsTask(MaxLength = SequenceTask.LengthLimit + 1)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }

        test "a length with nothing to predict after the first context is refused" {
            Faults.says<ConfigurationException> [ "task 'n-grams': length"; "6"; "7 to" ] (fun () ->
                NGramsTask().Generate(RandomStream(1UL, "n-grams"), 1, 6) |> ignore)
        }
    ]

let tests = testList "NGramsTask" [ structure; score; optimum; randomness; faults ]
