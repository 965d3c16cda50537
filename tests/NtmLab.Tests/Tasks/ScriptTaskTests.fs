module NtmLab.Tests.Tasks.ScriptTaskTests

open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests

/// See a bit in each step and say it again one step later.
let private echo = {
    new TaskRule() with
        member _.InputWidth = 1
        member _.OutputWidth = 1
        member _.Steps length = length + 1
        member _.Baseline length = TaskReference(float length, float length / 2.0)

        member _.Fill(random, canvas, sequence, length) =
            for step in 0 .. length - 1 do
                let bit = canvas.Input(sequence, step)
                random.FillBits bit
                bit.CopyTo(canvas.Want(sequence, step + 1))
}

/// See three tokens of an alphabet of three, and name the first at the end.
let private first = {
    new TaskRule() with
        member _.InputWidth = 1
        member _.OutputWidth = 3
        member _.Output = TokenOutput 3
        member _.Steps _ = 4
        member _.Baseline _ = TaskReference(1.58, 2.0 / 3.0)

        member _.Fill(random, canvas, sequence, _) =
            for step in 0..2 do
                canvas.Input(sequence, step)[0] <- float32 (random.Next 3)

            canvas.Want(sequence, 3)[0] <- canvas.Input(sequence, 0)[0]
}

let tests =
    testList "ScriptTask" [
        test "draws what its rule says, the same for the same key" {
            let task = ScriptTask(Rule = echo)
            let batch () = task.Generate(RandomStream(1UL, "echo"), 3, 5)
            use once = batch ()
            use again = batch ()
            Expect.equal once.Input.shape [| 3L; 6L; 1L |] "five steps and one"
            Expect.equal (Tensors.bits once.Input) (Tensors.bits again.Input) "the same"

            for input, target in Array.zip (Tensors.values3 once.Input) (Tensors.values3 once.Target) do
                Expect.equal target[1..] input[..4] "one step later"
        }

        test "scores wrong bits unless the rule says otherwise" {
            let task = ScriptTask(Rule = echo)
            use batch = task.Generate(RandomStream(1UL, "echo"), 2, 4)
            Expect.equal (task.ScoreName()) "wrong bits" "its name"
            Expect.equal (task.Score(Answers.right task batch, batch)) [| 0.0f; 0.0f |] "the right answer"
        }

        test "with tokens wants tokens and counts wrong ones" {
            let task = ScriptTask(Rule = first)
            use batch = task.Generate(RandomStream(1UL, "first"), 4, 1)
            Expect.equal batch.Target.shape [| 4L; 4L |] "one token a step"
            Expect.equal (task.ScoreName()) "wrong tokens" "the score"
            Expect.equal (task.Score(Answers.right task batch, batch)) (Array.zeroCreate 4) "the right answer"
        }

        test "keeps the script's rule when it is read back and changed" {
            let configuration =
                ExperimentConfiguration(Name = "echo", Task = ScriptTask(Rule = echo), Model = NtmOptions())

            let changed = ConfigurationOverride.Apply(configuration, [ "task.maxLength=7" ])
            Expect.equal (changed.Task.Lengths()) (LengthRange(1, 7)) "the option"
            Expect.equal (changed.Task.Baseline 4) (TaskReference(4.0, 2.0)) "the rule"
        }

        test "without a rule is refused" {
            Faults.says<ConfigurationException> [ "task.rule"; "missing" ] (ScriptTask().Validate)
        }

        test "has lengths that are checked" {
            Faults.says<ConfigurationException>
                [ "task.maxLength: 2"; "3 to" ]
                (ScriptTask(Rule = echo, MinLength = 3, MaxLength = 2).Validate)
        }
    ]
