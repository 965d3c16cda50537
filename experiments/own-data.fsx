// Sequences of your own from a CSV, Parquet or NPZ file. This script first writes a small table of pendulums, a row a step:
// the angle as it was measured, with noise, and the true angle ten steps later.
#load "prelude.fsx"

open System
open System.IO
open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

let pendulum (random: RandomStream) (swing: int) : string list =
    let mutable angle, speed = random.NextUniform(-2.0, 2.0), 0.0

    let angles = [
        for _ in 1..90 do
            speed <- speed - 0.1 * sin angle - 0.01 * speed
            angle <- angle + 0.1 * speed * 5.0
            angle
    ]

    [
        for step in 0..79 ->
            FormattableString.Invariant
                $"{swing},{angles[step] + 0.1 * random.NextNormal():F3},{angles[step + 10]:F3}"
    ]

let file = Path.Combine(Path.GetTempPath(), "ntmlab-pendulums.csv")
let random = RandomStream(1UL, "pendulums")
File.WriteAllLines(file, "swing,angle,later" :: List.collect (pendulum random) [ 1..500 ])

experiment "own-data" {
    summary "An LSTM foretells a pendulum from noisy angles in a CSV file."
    task (TableTask(Path = file, Inputs = "angle", Targets = "later", Sequence = "swing"))
    model (LstmOptions(Units = 64))

    training (
        TrainingOptions(
            Sequences = 20_000L,
            Batch = 16,
            Optimiser = AdamOptions(LearningRate = 2e-3),
            Schedule = CosineSchedule(WarmUp = 500L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.05, Window = 500, Continue = 20_000L)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 20; 40; 80 ], Sequences = 50))
}
|> Experiment.run
