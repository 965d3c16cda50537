module NtmLab.Tests.Tasks.RepeatCopyTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private law (name: string) (holds: DrawnTask.Case<RepeatCopyTask> -> SequenceBatch -> unit) : Test =
    DrawnTask.law name (RepeatCopyTask(MaxRepeats = 5)) holds

let private generate (task: RepeatCopyTask) (batch: int) (length: int) : SequenceBatch =
    task.Generate(RandomStream(1UL, "repeat-copy"), batch, length)

/// The number that tells a sequence how often to repeat, as it is given.
let private given (task: RepeatCopyTask) (input: float[][]) : float =
    input |> Array.sumBy (fun step -> step[task.Bits + 1])

/// Every number of repeats that training has.
let private trained (task: RepeatCopyTask) : float list = [
    for repeats in task.MinRepeats .. task.MaxRepeats -> float repeats
]

let private mean (numbers: float list) : float = List.average numbers

/// The mean squared distance from the mean.
let private variance (numbers: float list) : float =
    numbers |> List.averageBy (fun number -> (number - mean numbers) ** 2.0)

/// The repeats that a given number means.
let private repeats (task: RepeatCopyTask) (number: float) : int =
    let all = trained task
    let deviation = if all.Length = 1 then 1.0 else sqrt (variance all)
    int (round (number * deviation + mean all))

/// Answers as a person would: remember the vectors up to the delimiter, say them as often as was asked, and mark the end.
let private solve (task: RepeatCopyTask) (input: float[][]) : float[][] =
    let silence = Array.zeroCreate (task.Bits + 1)
    let seen = input |> Array.takeWhile (fun step -> step[task.Bits] = 0.0)
    let said = [| for vector in seen -> Array.append (Array.take task.Bits vector) [| 0.0 |] |]
    let asked = repeats task (given task input)

    Array.concat [
        Array.create (seen.Length + 2) silence
        yield! List.replicate asked said
        [| Array.append (Array.zeroCreate task.Bits) [| 1.0 |] |]
    ]

let private structure =
    testList "structure" [
        law "has the target that an independent solver gives" (fun case batch ->
            let solved = Tensors.values3 batch.Input |> Array.map (solve case.Task)

            Expect.equal
                (Tensors.values3 batch.Target)
                solved
                "the seen vectors again and again, then the end")

        law
            "raises the delimiter once, after the last vector, and is blank after the number of repeats"
            (fun case batch ->
                for sequence in Tensors.values3 batch.Input do
                    for t, step in Array.indexed sequence do
                        let delimiter = if t = case.Length then 1.0 else 0.0
                        Expect.equal step[case.Task.Bits] delimiter "the delimiter's channel"

                        if t <> case.Length + 1 then
                            Expect.equal step[case.Task.Bits + 1] 0.0 "the number's channel"

                        if t >= case.Length then
                            Expect.all (Array.take case.Task.Bits step) ((=) 0.0) "no bits any more")

        law "counts loss and score in the answer and its end only" (fun case batch ->
            for input, mask in Array.zip (Tensors.values3 batch.Input) (Tensors.values2 batch.Mask) do
                let asked = repeats case.Task (given case.Task input)
                let wanted = Array.create (asked * case.Length + 1) 1.0
                Expect.equal mask (Array.append (Array.zeroCreate (case.Length + 2)) wanted) "R L + 1 steps")

        law
            "has one number of repeats for a batch, of the training range or the one that is asked for"
            (fun case batch ->
                let asked = [
                    for input in Tensors.values3 batch.Input -> repeats case.Task (given case.Task input)
                ]

                Expect.equal (List.distinct asked).Length 1 "all sequences have the same time"

                if case.Task.Repeats > 0 then
                    Expect.equal asked.Head case.Task.Repeats "as asked"
                else
                    Expect.isTrue
                        (case.Task.MinRepeats <= asked.Head && asked.Head <= case.Task.MaxRepeats)
                        "in the range")

        test "gives numbers of repeats with mean 0 and variance 1 over the training range" {
            for least, most in [ 1, 10; 1, 2; 4, 30 ] do
                let numbers = [
                    for repeats in least..most do
                        let task = RepeatCopyTask(MinRepeats = least, MaxRepeats = most, Repeats = repeats)
                        use batch = generate task 1 1
                        given task (Array.head (Tensors.values3 batch.Input))
                ]

                Expect.isLessThan (abs (mean numbers)) 1e-6 $"mean of {least} to {most}"
                Expect.floatClose Accuracy.medium (variance numbers) 1.0 $"variance of {least} to {most}"
        }

        test "gives the only number of repeats as 0" {
            let task = RepeatCopyTask(MinRepeats = 3, MaxRepeats = 3)
            use batch = generate task 1 2
            Expect.equal (given task (Array.head (Tensors.values3 batch.Input))) 0.0 "nothing to tell"
            Expect.equal batch.Input.shape[1] (int64 (2 + 2 + 3 * 2 + 1)) "three times"
        }

        test "gives a number beyond the training range on the scale of the range" {
            let task = RepeatCopyTask(MaxRepeats = 10, Repeats = 20)
            use batch = generate task 1 2
            let number = given task (Array.head (Tensors.values3 batch.Input))
            // 1 to 10: the mean is 5.5, the variance (10^2 - 1) / 12.
            Expect.floatClose Accuracy.medium number ((20.0 - 5.5) / sqrt 8.25) "a model saw the same scale"
        }
    ]

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            use batch = generate (RepeatCopyTask(Bits = 2, MaxRepeats = 2, Repeats = 2)) 1 2

            Expect.equal
                (Tensors.values3 batch.Input)
                [|
                    [|
                        [| 0.0; 1.0; 0.0; 0.0 |]
                        [| 1.0; 1.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 1.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 1.0 |]
                        yield! Array.create 5 [| 0.0; 0.0; 0.0; 0.0 |]
                    |]
                |]
                "two vectors, the delimiter, the number of repeats, five blanks"

            Expect.equal
                (Array.skip 4 (Array.head (Tensors.values3 batch.Target)))
                [|
                    [| 0.0; 1.0; 0.0 |]
                    [| 1.0; 1.0; 0.0 |]
                    [| 0.0; 1.0; 0.0 |]
                    [| 1.0; 1.0; 0.0 |]
                    [| 0.0; 0.0; 1.0 |]
                |]
                "the vectors twice, then the end"
        }

        test "has every number of repeats equally often" {
            let task = RepeatCopyTask(Bits = 1, MinRepeats = 3, MaxRepeats = 9)

            Seq.init 3500 (fun index ->
                use batch = task.Generate(RandomStream(21UL, "train", uint64 index), 1, 1)
                int batch.Input.shape[1] - 4 - 3)
            |> ChiSquare.count 7
            |> ChiSquare.isUniform
        }

        test "has fair bits in every channel" {
            let task = RepeatCopyTask(Bits = 8)
            use batch = task.Generate(RandomStream(22UL, "train"), 20, 100)
            let vectors = batch.Input.narrow(1L, 0L, 100L).narrow(2L, 0L, 8L)
            ChiSquare.isFair 2000 (Tensors.values (vectors.sum ([| 0L; 1L |])))
        }

        test "has the same vectors however often they are repeated" {
            let vectors repeats =
                use batch = generate (RepeatCopyTask(Repeats = repeats)) 1 5
                Tensors.bits (batch.Input.narrow (1L, 0L, 5L))

            Expect.equal (vectors 2) (vectors 7) "one question, two lengths of the answer"
        }
    ]

let private score =
    testList "score" [
        test "counts a missing end as one wrong bit of each sequence" {
            let task = RepeatCopyTask(Repeats = 3)
            use batch = generate task 4 5
            let said = Answers.right task batch
            said.narrow(1L, said.shape[1] - 1L, 1L).neg_() |> ignore
            Expect.equal (task.Score(said, batch)) (Array.create 4 9.0f) "8 bits are up, and the end is down"
        }

        test "without memory averages over the numbers of repeats of the training range" {
            let loss repeats =
                (RepeatCopyTask(MinRepeats = 2, MaxRepeats = 9, Repeats = repeats).Baseline 7).Loss

            Expect.equal (loss 3) (7.0 * 8.0 * 3.0) "L R vectors of 8 bits; where the end is, is known"
            Expect.equal (loss 0) (List.averageBy loss [ 2..9 ]) "their mean"
        }
    ]

let private faults =
    testList "faults" [
        for option, task in
            [
                "task.bits", RepeatCopyTask(Bits = 0)
                "task.minLength", RepeatCopyTask(MinLength = 0)
                "task.maxLength", RepeatCopyTask(MinLength = 5, MaxLength = 4)
                "task.maxLength", RepeatCopyTask(MaxLength = SequenceTask.LengthLimit + 1)
                "task.minRepeats", RepeatCopyTask(MinRepeats = 0)
                "task.maxRepeats", RepeatCopyTask(MinRepeats = 5, MaxRepeats = 4)
                "task.maxRepeats", RepeatCopyTask(MaxRepeats = SequenceTask.LengthLimit + 1)
                "task.repeats", RepeatCopyTask(Repeats = -1)
                "task.repeats", RepeatCopyTask(Repeats = SequenceTask.LengthLimit + 1)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }

        test "more repeats than a batch can hold are refused" {
            Faults.says<ConfigurationException> [ "task 'repeat-copy': values in a batch" ] (fun () ->
                generate (RepeatCopyTask(Repeats = SequenceTask.LengthLimit)) 1 1000 |> ignore)
        }
    ]

let tests = testList "RepeatCopyTask" [ structure; randomness; score; faults ]
