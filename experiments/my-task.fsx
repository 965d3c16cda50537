// A task of your own: how a sequence looks, what is wanted of it, and what no memory reaches.
#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

/// See random vectors of 4 bits, then a delimiter, then answer with the vectors from the last to the first.
let reverse = {
    new TaskRule() with
        member _.InputWidth = 5
        member _.OutputWidth = 4
        member _.Steps length = 2 * length + 1
        member _.Baseline length = TaskReference(4.0 * float length, 2.0 * float length)

        member _.Fill(random, canvas, sequence, length) =
            for step in 0 .. length - 1 do
                let vector = canvas.Input(sequence, step).Slice(0, 4)
                random.FillBits vector
                vector.CopyTo(canvas.Want(sequence, 2 * length - step))

            canvas.Input(sequence, length)[4] <- 1.0f
}

experiment "my-task" {
    summary "A task that the script defines itself: say a sequence backwards."
    task (ScriptTask(Rule = reverse, MaxLength = 10))
    model (NtmOptions(Controller = lstm 100, Slots = 32))

    training (
        TrainingOptions(
            Sequences = 40_000L,
            Batch = 8,
            Optimiser = RmsPropOptions(LearningRate = 1e-3),
            Solved = SolvedOptions(Score = 0.05, Window = 1_000)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 5; 10; 20 ], Sequences = 100))
}
|> Experiment.run
