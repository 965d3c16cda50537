module NtmLab.Tests.Tasks.CopyTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests

let private law (name: string) (holds: DrawnTask.Case<CopyTask> -> SequenceBatch -> unit) : Test =
    DrawnTask.law name (CopyTask()) holds

/// Answers as a person would: remember the vectors up to the delimiter, then say them again.
let private solve (input: float[][]) : float[][] =
    let delimiter = Array.length input[0] - 1

    let seen =
        input
        |> Array.takeWhile (fun step -> step[delimiter] = 0.0)
        |> Array.map (Array.take delimiter)

    let silence = Array.create (seen.Length + 1) (Array.zeroCreate delimiter)
    Array.append silence seen

let private structure =
    testList "structure" [
        law "has 2 L + 1 steps" (fun case batch ->
            Expect.equal batch.Input.shape[1] (int64 (2 * case.Length + 1)) "vectors, delimiter, blanks")

        law "has the target that an independent solver gives" (fun _ batch ->
            let solved = Tensors.values3 batch.Input |> Array.map solve
            Expect.equal (Tensors.values3 batch.Target) solved "the seen vectors, in order")

        law "raises the delimiter once, after the last vector" (fun case batch ->
            for sequence in Tensors.values3 batch.Input do
                let raised = sequence |> Array.map (fun step -> step[case.Task.Bits])

                let expected =
                    Array.init (2 * case.Length + 1) (fun t -> if t = case.Length then 1.0 else 0.0)

                Expect.equal raised expected "the delimiter's channel")

        law "is blank after the delimiter" (fun case batch ->
            for sequence in Tensors.values3 batch.Input do
                let later = sequence |> Array.skip (case.Length + 1) |> Array.concat
                Expect.all later ((=) 0.0) "the model answers from memory")

        law "counts loss and score in the answer only" (fun case batch ->
            let expected = Array.append (Array.create (case.Length + 1) 0.0) (Array.create case.Length 1.0)

            for mask in Tensors.values2 batch.Mask do
                Expect.equal mask expected "L steps of every sequence")

        law "holds nothing but zeros and ones" (fun _ batch ->
            Expect.all (Tensors.values batch.Input) (fun x -> x = 0.0 || x = 1.0) "bits")
    ]

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let batch = CopyTask(Bits = 3).Generate(RandomStream(1UL, "copy"), 1, 2)

            Expect.equal
                (Tensors.values3 batch.Input)
                [|
                    [|
                        [| 1.0; 0.0; 1.0; 0.0 |]
                        [| 1.0; 0.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 1.0 |]
                        [| 0.0; 0.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 0.0 |]
                    |]
                |]
                "two vectors, the delimiter, two blanks"
        }

        test "has fair bits in every channel" {
            let batch = CopyTask(Bits = 8).Generate(RandomStream(22UL, "train"), 20, 100)
            let ones = batch.Target.sum ([| 0L; 1L |]) |> Tensors.values
            ChiSquare.isFair 2000 ones
        }
    ]

let private faults =
    testList "faults" [
        for option, task in
            [
                "task.bits", CopyTask(Bits = 0)
                "task.minLength", CopyTask(MinLength = 0)
                "task.maxLength", CopyTask(MinLength = 5, MaxLength = 4)
            ] do
            test $"an impossible {option} is refused by name" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }
    ]

let tests = testList "CopyTask" [ structure; randomness; faults ]
