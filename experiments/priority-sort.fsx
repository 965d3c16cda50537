#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "priority-sort" {
    summary "A Neural Turing Machine sorts vectors by their priorities (Graves et al. 2014, section 4.5)."
    task (PrioritySortTask(MinLength = 20, MaxLength = 20, Wanted = 16))

    model (NtmOptions(Controller = lstm 200, Slots = 32, Width = 20, ReadHeads = 4, WriteHeads = 4))

    training (
        TrainingOptions(
            Sequences = 300_000L,
            Batch = 16,
            Optimiser = AdamOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.02),
            ClipNorm = 10.0,
            Solved = SolvedOptions(Score = 1.0, Window = 1_000)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 10; 20; 25 ], Sequences = 200))
}
|> Experiment.run
