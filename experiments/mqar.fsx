#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "mqar" {
    summary "Fast weights that are written with the delta rule recall eight values by their keys."
    task (MqarTask(Vocabulary = 256, Pairs = 8, MinLength = 64, MaxLength = 64))
    model (DeltaNetOptions(Width = 64, Embedding = 64))

    training (
        TrainingOptions(
            Sequences = 100_000L,
            Batch = 32,
            Optimiser = AdamOptions(LearningRate = 2e-3),
            Schedule = CosineSchedule(WarmUp = 2_000L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.01, Window = 1_000, Continue = 20_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 64; 128; 256 ], Sequences = 200))
}
|> Experiment.run
