#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "selective-copy" {
    summary
        "A Neural Turing Machine picks ten symbols out of up to 100 steps of noise and repeats them in order."

    task (SelectiveCopyTask(MinLength = 20, MaxLength = 100))
    // A feed-forward controller remembers nothing; an LSTM that does often never learns to use the slots.
    model (NtmOptions(Controller = feedForward 100, Slots = 32, Width = 20))

    training (
        TrainingOptions(
            Sequences = 100_000L,
            Batch = 8,
            Optimiser = AdamOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.1, Window = 1_000, Continue = 80_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 50; 100; 150; 200 ], Sequences = 200))
}
|> Experiment.run
