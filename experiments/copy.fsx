#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "copy" {
    summary "A Neural Turing Machine learns to copy random bits (Graves et al. 2014, section 4.1)."
    task (CopyTask(Bits = 8, MinLength = 1, MaxLength = 20))
    model (NtmOptions(Controller = lstm 100, Slots = 128, Width = 20, ReadHeads = 1, WriteHeads = 1))

    training (
        TrainingOptions(
            Sequences = 100_000L,
            Batch = 8,
            Optimiser = RmsPropOptions(LearningRate = 1e-3),
            Solved = SolvedOptions(Score = 0.1, Window = 500, Continue = 10_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 10; 20; 30; 50; 80; 120 ], Sequences = 100))
}
|> Experiment.run
