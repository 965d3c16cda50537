module NtmLab.Tests.Tasks.AddingTaskTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// A batch of the task.
type AddingCase = { Batch: int; Length: int; Seed: uint64 }

type Arbitraries =
    static member AddingCase() : Arbitrary<AddingCase> =
        gen {
            let! batch = Gen.choose (1, 5)
            let! length = Gen.choose (2, 60)
            let! seed = Gen.choose (0, Int32.MaxValue)
            return { Batch = batch; Length = length; Seed = uint64 seed }
        }
        |> Arb.fromGen

let private law (name: string) (holds: AddingCase -> SequenceBatch -> unit) : Test =
    let check (case: AddingCase) =
        use batch = AddingTask().Generate(RandomStream(case.Seed, "adding"), case.Batch, case.Length)
        holds case batch

    testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] } name check

/// The steps that are marked.
let private marked (sequence: float[][]) : int[] =
    Array.indexed sequence
    |> Array.filter (fun (_, step) -> step[1] <> 0.0)
    |> Array.map fst

/// Answers as a person would, in single precision: add what is marked.
let private solve (sequence: float[][]) : float =
    sequence |> Array.sumBy (fun step -> float32 (step[0] * step[1])) |> float

let private structure =
    testList "structure" [
        law "marks one step in each half" (fun case batch ->
            for sequence in Tensors.values3 batch.Input do
                Expect.equal sequence.Length case.Length "T steps"
                Expect.all sequence (fun step -> step[0] >= 0.0 && step[0] < 1.0) "values"
                Expect.all sequence (fun step -> step[1] = 0.0 || step[1] = 1.0) "markers"

                match marked sequence with
                | [| first; second |] ->
                    Expect.isLessThan first (case.Length / 2) "in the first half"
                    Expect.isGreaterThanOrEqual second (case.Length / 2) "in the second"
                | other -> failtest $"{other.Length} markers")

        law "has the target that an independent solver gives, in the last step" (fun case batch ->
            let solved = Tensors.values3 batch.Input |> Array.map solve
            let targets = Tensors.values3 batch.Target |> Array.map Array.concat
            Expect.equal (Array.map Array.last targets) solved "the sum of the marked values"

            Expect.all
                targets
                (fun target -> Array.forall ((=) 0.0) target[.. case.Length - 2])
                "none before")

        law "counts the last step only" (fun case batch ->
            let expected = Array.append (Array.zeroCreate (case.Length - 1)) [| 1.0 |]

            for mask in Tensors.values3 (batch.Mask.unsqueeze 0L) |> Array.head do
                Expect.equal mask expected "one step of every sequence")

        TaskLaws.tests (AddingTask()) [ 2; 3; 20 ]
    ]

let private drawn (length: int) : float[][][] =
    use batch = AddingTask().Generate(RandomStream(33UL, "train"), 4500, length)
    Tensors.values3 batch.Input

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let batch = AddingTask().Generate(RandomStream(1UL, "adding"), 1, 4)

            let rounded (tensor: torch.Tensor) =
                Tensors.values tensor |> Array.map (fun value -> Math.Round(value, 4))

            Expect.equal
                (rounded batch.Input)
                [| 0.8859; 1.0; 0.7385; 0.0; 0.842; 1.0; 0.8113; 0.0 |]
                "the input"

            Expect.equal (rounded batch.Target) [| 0.0; 0.0; 0.0; 1.7279 |] "the target"
        }

        test "marks every pair of steps equally often" {
            ChiSquare.count 9 [
                for sequence in drawn 6 do
                    let steps = marked sequence
                    3 * steps[0] + steps[1] - 3
            ]
            |> ChiSquare.isUniform
        }

        test "marks one of the longer second half if the number of steps is odd" {
            ChiSquare.count 12 [
                for sequence in drawn 7 do
                    let steps = marked sequence
                    4 * steps[0] + steps[1] - 3
            ]
            |> ChiSquare.isUniform
        }

        test "draws values uniformly, in every step, marked or not" {
            let sequences = drawn 4

            for step in 0..3 do
                for marker in [ 0.0; 1.0 ] do
                    ChiSquare.count 20 [
                        for sequence in sequences do
                            if sequence[step][1] = marker then
                                int (20.0 * sequence[step][0])
                    ]
                    |> ChiSquare.isUniform
        }
    ]

let private score =
    testList "score" [
        test "without memory is that of always answering 1" {
            TaskLaws.reachesBaseline (AddingTask()) 10 (fun batch -> torch.ones_like batch.Target)

            Expect.floatClose
                Accuracy.high
                (AddingTask().Baseline(10).Loss)
                (1.0 / 6.0)
                "twice the variance 1/12"
        }

        test "is the squared error of the last step, whatever is said before" {
            let task = AddingTask()
            use batch = task.Generate(RandomStream(1UL, "adding"), 3, 8)
            let outputs = torch.full_like (batch.Target, (7.0).ToScalar())

            let last = batch.Target.narrow (1L, 7L, 1L) + (0.5).ToScalar()
            outputs.narrow(1L, 7L, 1L).copy_ last |> ignore

            for score in task.Score(outputs, batch) do
                Expect.floatClose Accuracy.medium (float score) 0.25 "0.5 off"
        }

        test "is perfect below an error of 0.04" {
            let isPerfect (error: float32) = AddingTask().IsPerfect(error * error)
            Expect.isTrue (isPerfect 0.0f && isPerfect 0.0399f) "near enough"
            Expect.isFalse (isPerfect 0.0401f || isPerfect 1.0f) "too far"
        }
    ]

let private faults =
    testList "faults" [
        for length in [ 0; 1 ] do
            test $"length {length} is refused" {
                Faults.says<ConfigurationException>
                    [ "task 'adding': length"; $"{length}"; "2 to 10000000" ]
                    (fun () -> AddingTask().Generate(RandomStream(1UL, "adding"), 1, length) |> ignore)
            }

        for option, task in
            [
                "task.minLength", AddingTask(MinLength = 1)
                "task.maxLength", AddingTask(MaxLength = 99)
                "task.maxLength", AddingTask(MaxLength = Int32.MaxValue)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }
    ]

let tests = testList "AddingTask" [ structure; randomness; score; faults ]
