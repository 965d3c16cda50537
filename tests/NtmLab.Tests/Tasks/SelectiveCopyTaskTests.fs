module NtmLab.Tests.Tasks.SelectiveCopyTaskTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// A task with a batch of it.
type SelectiveCopyCase = { Task: SelectiveCopyTask; Batch: int; Length: int; Seed: uint64 }

type Arbitraries =
    static member SelectiveCopyCase() : Arbitrary<SelectiveCopyCase> =
        gen {
            let! alphabet = Gen.choose (2, 12)
            let! symbols = Gen.choose (1, 12)
            let! batch = Gen.choose (1, 5)
            let! noise = Gen.choose (0, 40)
            let! seed = Gen.choose (0, Int32.MaxValue)

            return {
                Task = SelectiveCopyTask(Alphabet = alphabet, Symbols = symbols)
                Batch = batch
                Length = symbols + noise
                Seed = uint64 seed
            }
        }
        |> Arb.fromGen

let private law (name: string) (holds: SelectiveCopyCase -> SequenceBatch -> unit) : Test =
    let check (case: SelectiveCopyCase) =
        use batch = case.Task.Generate(RandomStream(case.Seed, "selective-copy"), case.Batch, case.Length)
        holds case batch

    testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] } name check

/// The tokens of every sequence.
let private tokens (batch: SequenceBatch) (tensor: torch.Tensor) : int[][] =
    Tensors.values tensor
    |> Array.map int
    |> Array.chunkBySize (int batch.Input.shape[1])

/// Answers as a person would: write every symbol down that is no noise, and say them when blanks come.
let private solve (task: SelectiveCopyTask) (input: int[]) : int[] =
    let context = Array.takeWhile ((<>) 0) input
    let seen = context |> Array.filter ((<>) (task.Alphabet + 1))
    Array.append (Array.zeroCreate context.Length) seen

let private structure =
    testList "structure" [
        law "has symbols among noise, then a blank for each" (fun case batch ->
            for sequence in tokens batch batch.Input do
                let context, rest = Array.splitAt case.Length sequence
                let isSymbol token = token >= 1 && token <= case.Task.Alphabet
                let symbols, others = Array.partition isSymbol context
                Expect.equal symbols.Length case.Task.Symbols "symbols"
                Expect.all others ((=) (case.Task.Alphabet + 1)) "noise"
                Expect.equal rest (Array.zeroCreate case.Task.Symbols) "blanks")

        law "has the target that an independent solver gives" (fun case batch ->
            let solved = tokens batch batch.Input |> Array.map (solve case.Task)
            Expect.equal (tokens batch batch.Target) solved "the symbols, in order")

        law "counts the blanks only" (fun case batch ->
            let expected = Array.append (Array.zeroCreate case.Length) (Array.create case.Task.Symbols 1)

            for mask in tokens batch batch.Mask do
                Expect.equal mask expected "the answer")

        TaskLaws.tests (SelectiveCopyTask(Alphabet = 5, Symbols = 3)) [ 3; 4; 25 ]
    ]

let private drawn (task: SelectiveCopyTask) (length: int) : int[][] =
    use batch = task.Generate(RandomStream(35UL, "train"), 4000, length)
    tokens batch batch.Input

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let task = SelectiveCopyTask(Alphabet = 4, Symbols = 3)
            let batch = task.Generate(RandomStream(1UL, "selective-copy"), 1, 7)
            Expect.equal (tokens batch batch.Input) [| [| 4; 5; 4; 5; 3; 5; 5; 0; 0; 0 |] |] "the input"
            Expect.equal (tokens batch batch.Target) [| [| 0; 0; 0; 0; 0; 0; 0; 4; 4; 3 |] |] "the target"
        }

        test "draws every choice of places equally often" {
            let task = SelectiveCopyTask(Symbols = 2)

            let choices = [
                for first in 0..4 do
                    for second in first + 1 .. 4 -> [ first; second ]
            ]

            ChiSquare.count choices.Length [
                for sequence in drawn task 5 do
                    let places = [
                        for place in 0..4 do
                            if sequence[place] <> 9 then
                                place
                    ]

                    List.findIndex ((=) places) choices
            ]
            |> ChiSquare.isUniform
        }

        test "draws every pair of symbols equally often" {
            ChiSquare.count 9 [
                for sequence in drawn (SelectiveCopyTask(Alphabet = 3, Symbols = 2)) 4 do
                    let symbols = sequence |> Array.filter (fun token -> token >= 1 && token <= 3)
                    3 * symbols[0] + symbols[1] - 4
            ]
            |> ChiSquare.isUniform
        }
    ]

let private score =
    testList "score" [
        law "of the right answer is 0, whatever is said before, and of one wrong symbol 1" (fun case batch ->
            let logits = TaskLaws.saying (case.Task.OutputWidth()) batch
            logits.narrow(1L, 0L, int64 case.Length).neg_() |> ignore
            Expect.equal (case.Task.Score(logits, batch)) (Array.zeroCreate case.Batch) "nothing is wrong"
            logits.narrow(1L, int64 case.Length, 1L).neg_() |> ignore

            Expect.equal
                (case.Task.Score(logits, batch))
                (Array.create case.Batch 1.0f)
                "the first symbol is")

        test "without memory is that of guessing" {
            let task = SelectiveCopyTask(Alphabet = 4, Symbols = 5)
            TaskLaws.reachesBaseline task 9 (TaskLaws.guessing 5 1)
            Expect.equal (task.Baseline 9) (TaskReference(10.0, 3.75)) "two bits, and three of four"
        }
    ]

let private faults =
    testList "faults" [
        test "a length that the symbols do not fit into is refused with both" {
            Faults.says<ConfigurationException>
                [ "task 'selective-copy': length"; "9"; "10 task.symbols"; "10 to" ]
                (fun () ->
                    SelectiveCopyTask().Generate(RandomStream(1UL, "selective-copy"), 1, 9)
                    |> ignore)
        }

        test "training lengths that the symbols do not fit into are refused with both" {
            Faults.says<ConfigurationException>
                [ "task.minLength: 19"; "20 task.symbols"; "20 or more" ]
                (SelectiveCopyTask(Symbols = 20, MinLength = 19)).Validate
        }

        for option, task in
            [
                "task.alphabet", SelectiveCopyTask(Alphabet = 1)
                "task.alphabet", SelectiveCopyTask(Alphabet = Int32.MaxValue)
                "task.symbols", SelectiveCopyTask(Symbols = 0)
                "task.symbols", SelectiveCopyTask(Symbols = Int32.MaxValue)
                "task.maxLength", SelectiveCopyTask(MaxLength = 99)
                "task.maxLength", SelectiveCopyTask(MaxLength = Int32.MaxValue)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }
    ]

let tests = testList "SelectiveCopyTask" [ structure; randomness; score; faults ]
