#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "needle" {
    summary "A Neural Turing Machine recalls the value of a key that it saw 10 to 50 steps ago."
    task (NeedleTask(Pairs = 1, MinLag = 10, MaxLag = 50, Distractors = Distractors.Bits))
    model (NtmOptions(Controller = lstm 100, Slots = 128, Width = 20))

    training (
        TrainingOptions(
            Sequences = 40_000L,
            Batch = 16,
            Optimiser = AdamOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.02, Window = 1_000, Continue = 40_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 10; 30; 50; 100; 200; 500 ], Sequences = 200))
}
|> Experiment.run
