#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "repeat-copy" {
    summary
        "A Neural Turing Machine repeats a sequence as often as it is told (Graves et al. 2014, section 4.2)."

    task (RepeatCopyTask(Bits = 8, MaxLength = 10, MaxRepeats = 10))
    model (NtmOptions(Controller = lstm 100, Slots = 128, Width = 20))

    training (
        TrainingOptions(
            Sequences = 200_000L,
            Batch = 8,
            Optimiser = RmsPropOptions(LearningRate = 1e-3),
            Solved = SolvedOptions(Score = 0.1, Window = 1_000, Continue = 50_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 5; 10; 20 ], Sequences = 100))
}
|> Experiment.run
