// The digits are yours: four IDX files such as those of MNIST, plain or packed by gzip. Other places are named with
//   --set task.images=... --set task.labels=... --set task.testImages=... --set task.testLabels=...
#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

experiment "digits" {
    summary
        "An LSTM with a chrono start names digits whose 784 pixels pass one at a time; the IDX files are yours."

    task (
        DigitsTask(
            Images = "digits/train-images-idx3-ubyte.gz",
            Labels = "digits/train-labels-idx1-ubyte.gz",
            TestImages = "digits/t10k-images-idx3-ubyte.gz",
            TestLabels = "digits/t10k-labels-idx1-ubyte.gz"
        )
    )

    model (LstmOptions(Units = 128, ChronoLag = 784))

    training (
        TrainingOptions(
            Sequences = 300_000L,
            Batch = 32,
            Optimiser = AdamOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(WarmUp = 2_000L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.03, Window = 5_000)
        )
    )

    evaluation (EvaluationOptions(Lengths = [ 784 ], Sequences = 10_000, SequencesWhileTraining = 500))
}
|> Experiment.run
