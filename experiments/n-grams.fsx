#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "n-grams" {
    summary
        "A Neural Turing Machine counts to predict the next bit of a random source (Graves et al. 2014, section 4.4)."

    task (NGramsTask(Order = 6, MinLength = 200, MaxLength = 200))

    // Every slot has a name from the start, and heads find slots by content alone: there is nothing to shift to.
    model (
        NtmOptions(
            Controller = feedForward 100,
            Slots = 64,
            Width = 20,
            ShiftWidth = 1,
            InitialSpread = 1.0,
            InitialKeyStrength = 8.0
        )
    )

    training (
        TrainingOptions(
            Sequences = 400_000L,
            Batch = 16,
            Optimiser = AdamOptions(LearningRate = 2e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.02),
            ClipNorm = 10.0,
            Solved = SolvedOptions(Score = 1.28, Window = 5_000, Continue = 400_000L),
            EvaluateEvery = 20_000L,
            CheckpointEvery = 20_000L
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 100; 200; 400 ], Sequences = 500))
}
|> Experiment.run
