#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "n-grams" {
    summary
        "A Neural Turing Machine counts to predict the next bit of a random source (Graves et al. 2014, section 4.4)."

    task (NGramsTask(Order = 6, MinLength = 200, MaxLength = 200))
    model (NtmOptions(Controller = feedForward 100, Slots = 128, Width = 20))

    training (
        TrainingOptions(
            Sequences = 200_000L,
            Batch = 16,
            Optimiser = AdamOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.02),
            ClipNorm = 10.0,
            Solved = SolvedOptions(Score = 1.3, Window = 1_000)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 100; 200; 400 ], Sequences = 500))
}
|> Experiment.run
