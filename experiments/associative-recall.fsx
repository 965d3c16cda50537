#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "associative-recall" {
    summary
        "A Neural Turing Machine names the item that followed a given one (Graves et al. 2014, section 4.3)."

    task (AssociativeRecallTask(MinItems = 2, MaxItems = 6))
    model (NtmOptions(Controller = lstm 100, Slots = 128, Width = 20))

    training (
        TrainingOptions(
            Sequences = 300_000L,
            Batch = 16,
            Optimiser = AdamOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.1, Window = 1_000, Continue = 300_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 2; 4; 6; 8; 12; 20 ], Sequences = 200))
}
|> Experiment.run
