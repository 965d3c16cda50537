#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "long-copy" {
    summary "A Neural Turing Machine learns to copy hundreds of vectors, longer ones as it succeeds."
    task (LongCopyTask(MinLength = 1, MaxLength = 200))
    model (NtmOptions(Controller = lstm 100, Slots = 256, Width = 20))

    training (
        TrainingOptions(
            Sequences = 60_000L,
            Batch = 8,
            Curriculum = PromoteCurriculum(From = 20, Score = 0.5, Window = 50, Factor = 1.3),
            Optimiser = RmsPropOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(Final = 0.05),
            Solved = SolvedOptions(Score = 0.1, Window = 2_000, Continue = 60_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 50; 100; 200; 250 ], Sequences = 50))
}
|> Experiment.run
