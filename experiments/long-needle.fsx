#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "long-needle" {
    summary "A sparse memory of 100 000 slots recalls what it saw 10 000 steps ago."
    task (NeedleTask(MinLag = 1, MaxLag = 10_000))
    model (SparseOptions(Controller = feedForward 64, Slots = 100_000, Width = 32, InitialKeyStrength = 5.0))

    training (
        TrainingOptions(
            Sequences = 30_000L,
            Batch = 16,
            Curriculum = ExponentialCurriculum(From = 4, Over = 0.8),
            Optimiser = AdamOptions(LearningRate = 2e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.0, Window = 2_000)
        )
    )

    evaluation (
        EvaluationOptions(Lengths = [ 100; 1_000; 10_000 ], Sequences = 50, SequencesWhileTraining = 4)
    )
}
|> Experiment.run
