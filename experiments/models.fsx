#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

// About as many parameters each, and the same task, budget and optimiser for all.
let models: (string * ModelOptions) list = [
    "rnn", RnnOptions(Units = 200, HiddenStart = HiddenStart.Orthogonal)
    "gru", GruOptions(Units = 120)
    "lstm", LstmOptions(Units = 100)
    "lstm-chrono", LstmOptions(Units = 100, ChronoLag = 100)
    "tcn", TcnOptions(Channels = 24, Kernel = 16, Lag = 101)
    "attention", AttentionOptions(Width = 48, Heads = 4, Layers = 2, Context = 128)
    "context-attention", ContextAttentionOptions(Width = 96, Hidden = 256, Context = 128)
    "hierarchical-attention", HierarchicalAttentionOptions(Width = 48, Window = 12, Overlap = 1)
    "ntm", NtmOptions(Controller = lstm 80, Slots = 32, Width = 20)
    "dnc", DncOptions(Controller = lstm 80, Slots = 16, Width = 16, ReadHeads = 1)
    "mann-lrua", LruaOptions(Controller = lstm 80, Slots = 16, Width = 20)
    "deltanet", DeltaNetOptions(Width = 48)
    "ssm", SsmOptions(Width = 64)
]

[
    for name, options in models do
        experiment $"models-{name}" {
            summary "Every model of the laboratory on needle recall over 100 steps."
            task (NeedleTask(MinLag = 100, MaxLag = 100))
            model options

            training (
                TrainingOptions(
                    Sequences = 40_000L,
                    Batch = 16,
                    Optimiser = AdamOptions(LearningRate = 1e-3),
                    Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.05),
                    ClipNorm = 1.0,
                    Solved = SolvedOptions(Score = 0.02, Window = 1_000)
                )
            )

            evaluation (EvaluationOptions(Lengths = [ 10; 100 ], Sequences = 200))
        }
]
|> Experiment.runAll
