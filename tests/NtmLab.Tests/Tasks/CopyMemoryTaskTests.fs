module NtmLab.Tests.Tasks.CopyMemoryTaskTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// A task with a batch of it.
type CopyMemoryCase = { Task: CopyMemoryTask; Batch: int; Lag: int; Seed: uint64 }

type Arbitraries =
    static member CopyMemoryCase() : Arbitrary<CopyMemoryCase> =
        gen {
            let! alphabet = Gen.choose (2, 12)
            let! symbols = Gen.choose (1, 12)
            let! batch = Gen.choose (1, 5)
            let! lag = Gen.choose (1, 40)
            let! seed = Gen.choose (0, Int32.MaxValue)

            return {
                Task = CopyMemoryTask(Alphabet = alphabet, Symbols = symbols)
                Batch = batch
                Lag = lag
                Seed = uint64 seed
            }
        }
        |> Arb.fromGen

let private law (name: string) (holds: CopyMemoryCase -> SequenceBatch -> unit) : Test =
    let check (case: CopyMemoryCase) =
        use batch = case.Task.Generate(RandomStream(case.Seed, "copy-memory"), case.Batch, case.Lag)
        holds case batch

    testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] } name check

/// The tokens of every sequence.
let private tokens (tensor: torch.Tensor) : int[][] =
    Tensors.values3 (tensor.reshape (1L, tensor.shape[0], tensor.shape[1]))
    |> Array.head
    |> Array.map (Array.map int)

/// Answers as a person would: keep silent until the marker, then say every symbol that was seen.
let private solve (task: CopyMemoryTask) (input: int[]) : int[] =
    let go = Array.findIndex ((=) (task.Alphabet + 1)) input
    let seen = Array.take go input |> Array.filter ((<>) 0)
    Array.append (Array.zeroCreate (go + 1)) seen

let private structure =
    testList "structure" [
        law
            "has the symbols, one step less than the lag, the marker and as many blanks as symbols"
            (fun case batch ->
                let symbols, lag = case.Task.Symbols, case.Lag

                for sequence in tokens batch.Input do
                    Expect.equal sequence.Length (2 * symbols + lag) "T + 20 for ten symbols"
                    let isSymbol token = token >= 1 && token <= case.Task.Alphabet
                    Expect.all (Array.take symbols sequence) isSymbol "symbols"
                    Expect.all sequence[symbols .. symbols + lag - 2] ((=) 0) "silence"
                    Expect.equal sequence[symbols + lag - 1] (case.Task.Alphabet + 1) "the marker"
                    Expect.all sequence[symbols + lag ..] ((=) 0) "the answer is not shown")

        law "has the target that an independent solver gives" (fun case batch ->
            let solved = tokens batch.Input |> Array.map (solve case.Task)
            Expect.equal (tokens batch.Target) solved "the symbols, in order")

        law "counts every step" (fun _ batch ->
            Expect.all (Tensors.values batch.Mask) ((=) 1.0) "silence too")

        TaskLaws.tests (CopyMemoryTask(Alphabet = 5, Symbols = 3)) [ 1; 2; 17 ]
    ]

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let task = CopyMemoryTask(Alphabet = 4, Symbols = 3)
            let batch = task.Generate(RandomStream(1UL, "copy-memory"), 1, 4)
            Expect.equal (tokens batch.Input) [| [| 3; 1; 3; 0; 0; 0; 5; 0; 0; 0 |] |] "the input"
            Expect.equal (tokens batch.Target) [| [| 0; 0; 0; 0; 0; 0; 0; 3; 1; 3 |] |] "the target"
        }

        test "draws every symbol equally often, in every place" {
            use batch = CopyMemoryTask().Generate(RandomStream(31UL, "train"), 4000, 1)
            let sequences = tokens batch.Input

            for place in 0..9 do
                ChiSquare.count 8 [ for sequence in sequences -> sequence[place] - 1 ]
                |> ChiSquare.isUniform
        }

        test "draws every symbol by itself" {
            use batch = CopyMemoryTask(Symbols = 2).Generate(RandomStream(32UL, "train"), 6400, 1)

            ChiSquare.count 64 [ for sequence in tokens batch.Input -> 8 * sequence[0] + sequence[1] - 9 ]
            |> ChiSquare.isUniform
        }
    ]

let private score =
    testList "score" [
        law "of the right answer is 0, and of one wrong symbol 1" (fun case batch ->
            let logits = TaskLaws.saying (case.Task.OutputWidth()) batch
            Expect.equal (case.Task.Score(logits, batch)) (Array.zeroCreate case.Batch) "nothing is wrong"
            logits.narrow(1L, int64 case.Lag, 1L).neg_() |> ignore
            Expect.equal (case.Task.Score(logits, batch)) (Array.create case.Batch 1.0f) "one step is")

        test "without memory is that of silence, then guessing" {
            let task = CopyMemoryTask()

            TaskLaws.reachesBaseline task 5 (fun batch ->
                let logits = TaskLaws.saying 9 batch
                let answer = TaskLaws.guessing 9 1 batch
                logits.narrow(1L, 15L, 10L).copy_(answer.narrow (1L, 15L, 10L)) |> ignore
                logits)

            let baseline = task.Baseline 1000
            Expect.floatClose Accuracy.high baseline.Loss 30.0 "10 log2 8 bits"

            Expect.floatClose
                Accuracy.high
                (baseline.Loss * log 2.0 / 1020.0)
                (10.0 * log 8.0 / 1020.0)
                "nats"

            Expect.equal baseline.Score 8.75 "seven of eight"
        }
    ]

let private faults =
    testList "faults" [
        test "lag 0 is refused" {
            Faults.says<ConfigurationException> [ "task 'copy-memory': lag"; "0"; "1 to 10000000" ] (fun () ->
                CopyMemoryTask().Generate(RandomStream(1UL, "copy-memory"), 1, 0) |> ignore)
        }

        for option, task in
            [
                "task.alphabet", CopyMemoryTask(Alphabet = 1)
                "task.alphabet", CopyMemoryTask(Alphabet = Int32.MaxValue)
                "task.symbols", CopyMemoryTask(Symbols = 0)
                "task.symbols", CopyMemoryTask(Symbols = Int32.MaxValue)
                "task.minLag", CopyMemoryTask(MinLag = 0)
                "task.maxLag", CopyMemoryTask(MaxLag = 99)
                "task.maxLag", CopyMemoryTask(MaxLag = Int32.MaxValue)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }
    ]

let tests = testList "CopyMemoryTask" [ structure; randomness; score; faults ]
