module NtmLab.Tests.Tasks.PrioritySortTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private law (name: string) (holds: DrawnTask.Case<PrioritySortTask> -> SequenceBatch -> unit) : Test =
    DrawnTask.law name (PrioritySortTask()) holds

/// The vectors of a sequence, each with its priority, by falling priority; equal ones stay in order.
let private sorted (task: PrioritySortTask) (length: int) (input: float[][]) : (float * float[])[] =
    Array.take length input
    |> Array.map (fun step -> step[task.Bits], Array.take task.Bits step)
    |> List.ofArray
    |> List.sortBy (fun (priority, _) -> -priority)
    |> Array.ofList

/// Answers as a person would: sort the vectors, and say as many as there is time for.
let private solve (task: PrioritySortTask) (length: int) (input: float[][]) : float[][] =
    let silence = Array.create length (Array.zeroCreate task.Bits)
    let answer = sorted task length input |> Array.take (input.Length - length) |> Array.map snd
    Array.append silence answer

/// How many vectors are wanted of so many.
let private wanted (task: PrioritySortTask) (length: int) : int =
    use batch = task.Generate(RandomStream(1UL, "sort"), 1, length)
    int batch.Input.shape[1] - length

let private structure =
    testList "structure" [
        law "has the target that an independent solver gives" (fun case batch ->
            let solved = Tensors.values3 batch.Input |> Array.map (solve case.Task case.Length)
            Expect.equal (Tensors.values3 batch.Target) solved "the vectors by falling priority")

        law "has bits with priorities in [-1, 1), and is blank after" (fun case batch ->
            for input in Tensors.values3 batch.Input do
                for t, step in Array.indexed input do
                    if t < case.Length then
                        Expect.all (Array.take case.Task.Bits step) (fun x -> x = 0.0 || x = 1.0) "bits"
                        let priority = step[case.Task.Bits]
                        Expect.isTrue (-1.0 <= priority && priority < 1.0) $"priority {priority}"
                    else
                        Expect.all step ((=) 0.0) "the model answers from memory")

        law "counts loss and score in the answer only" (fun case batch ->
            let answer = Array.create (wanted case.Task case.Length) 1.0

            for mask in Tensors.values2 batch.Mask do
                Expect.equal mask (Array.append (Array.zeroCreate case.Length) answer) "after the vectors")

        test "wants as large a part of other lengths, at least one" {
            let task = PrioritySortTask()
            let expected = [ 1, 1; 2, 1; 5, 4; 10, 8; 20, 16; 21, 16; 25, 20; 40, 32 ]
            Expect.equal [ for length, _ in expected -> length, wanted task length ] expected "16 of 20"
        }

        test "may want all of the longest" {
            Expect.equal (wanted (PrioritySortTask(MaxLength = 7, MinLength = 3, Wanted = 7)) 7) 7 "each"
        }

        test "names the earlier of two vectors with the same priority first" {
            // Priorities have 24 bits: among 20 000 some are the same.
            let task = PrioritySortTask(Bits = 5, MinLength = 20_000, MaxLength = 20_000, Wanted = 20_000)
            use batch = task.Generate(RandomStream(1UL, "sort"), 1, 20_000)
            let input = Array.head (Tensors.values3 batch.Input)
            let priorities = sorted task 20_000 input |> Array.map fst
            Expect.isLessThan (Array.distinct priorities).Length 20_000 "some are the same"
            Expect.equal (Array.head (Tensors.values3 batch.Target)) (solve task 20_000 input) "in order"
        }
    ]

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let task = PrioritySortTask(Bits = 2, MinLength = 3, MaxLength = 3, Wanted = 2)
            use batch = task.Generate(RandomStream(3UL, "sort"), 1, 3)
            let rounded = Array.map (Array.map (fun (x: float) -> round (1000.0 * x) / 1000.0))

            Expect.equal
                (Array.map rounded (Tensors.values3 batch.Input))
                [|
                    [|
                        [| 1.0; 1.0; -0.788 |]
                        [| 0.0; 0.0; 0.893 |]
                        [| 1.0; 1.0; 0.424 |]
                        [| 0.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 0.0 |]
                    |]
                |]
                "three vectors with their priorities, two blanks"

            Expect.equal
                (Array.skip 3 (Array.head (Tensors.values3 batch.Target)))
                [| [| 0.0; 0.0 |]; [| 1.0; 1.0 |] |]
                "the second and the third"
        }

        test "has priorities uniform in [-1, 1) in every place, whatever the bits" {
            use batch = PrioritySortTask(Bits = 1).Generate(RandomStream(21UL, "train"), 2000, 4)
            let inputs = Tensors.values3 batch.Input

            for t in 0..3 do
                inputs
                |> Seq.map (fun input ->
                    let step = input[t]
                    2 * int (10.0 * (step[1] + 1.0)) + int step[0])
                |> ChiSquare.count 40
                |> ChiSquare.isUniform
        }

        test "has fair bits in every channel" {
            use batch = PrioritySortTask(Bits = 8).Generate(RandomStream(22UL, "train"), 100, 20)
            let vectors = batch.Input.narrow(1L, 0L, 20L).narrow(2L, 0L, 8L)
            ChiSquare.isFair 2000 (Tensors.values (vectors.sum ([| 0L; 1L |])))
        }

        test "has every order of three vectors equally often" {
            use batch = PrioritySortTask().Generate(RandomStream(23UL, "train"), 3000, 3)

            Tensors.values3 batch.Input
            |> Seq.map (fun input ->
                let place = [ 0; 1; 2 ] |> List.sortBy (fun t -> input[t][8])
                2 * place[0] + (if place[1] < place[2] then 0 else 1))
            |> ChiSquare.count 6
            |> ChiSquare.isUniform
        }
    ]

let private faults =
    testList "faults" [
        for option, task in
            [
                "task.bits", PrioritySortTask(Bits = 0)
                "task.minLength", PrioritySortTask(MinLength = 0)
                "task.maxLength", PrioritySortTask(MaxLength = 19)
                "task.maxLength", PrioritySortTask(MaxLength = SequenceTask.LengthLimit + 1)
                "task.wanted", PrioritySortTask(Wanted = 0)
                "task.wanted", PrioritySortTask(Wanted = 21)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }
    ]

let tests = testList "PrioritySortTask" [ structure; randomness; faults ]
