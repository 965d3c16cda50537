#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "adding" {
    summary "Gated recurrent units add two marked values among 50 to 200 random ones."
    task (AddingTask(MinLength = 50, MaxLength = 200))
    model (GruOptions(Units = 64))

    training (
        TrainingOptions(
            Sequences = 150_000L,
            Batch = 16,
            Optimiser = AdamOptions(LearningRate = 2e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.0004, Window = 1_000, Continue = 30_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 50; 100; 200; 400 ], Sequences = 200))
}
|> Experiment.run
