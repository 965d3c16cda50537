module NtmLab.Tests.Training.LearningRateScheduleTests

open Expecto
open NtmLab
open NtmLab.Tests
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training

/// Fractions of the learning rate by sequences trained, of a budget of 1000.
let private known: (string * LearningRateSchedule * (int64 * float) list) list = [
    "a constant schedule", ConstantSchedule(), [ 1L, 1.0; 500L, 1.0; 1000L, 1.0 ]
    "a warm-up", ConstantSchedule(WarmUp = 100L), [ 1L, 0.01; 50L, 0.5; 99L, 0.99; 100L, 1.0; 1000L, 1.0 ]
    "a linear schedule", LinearSchedule(), [ 10L, 0.99; 250L, 0.75; 1000L, 0.0 ]
    "a linear schedule to a fraction", LinearSchedule(Final = 0.2), [ 250L, 0.8; 500L, 0.6; 1000L, 0.2 ]
    "a linear schedule after a warm-up",
    LinearSchedule(WarmUp = 200L, Final = 0.5),
    [ 100L, 0.5; 200L, 1.0; 600L, 0.75; 1000L, 0.5 ]
    "a cosine schedule", CosineSchedule(), [ 250L, 0.5 + sqrt 0.125; 500L, 0.5; 1000L, 0.0 ]
    "a cosine schedule after a warm-up to a fraction",
    CosineSchedule(WarmUp = 600L, Final = 0.1),
    [ 300L, 0.5; 600L, 1.0; 800L, 0.55; 1000L, 0.1 ]
    "a warm-up longer than the budget", LinearSchedule(WarmUp = 4000L), [ 1L, 0.00025; 1000L, 0.25 ]
    "a warm-up as long as the budget",
    LinearSchedule(WarmUp = 1000L, Final = 0.3),
    [ 999L, 0.999; 1000L, 0.3 ]
]

let private kinds: LearningRateSchedule list = [
    ConstantSchedule(WarmUp = 300L)
    LinearSchedule(WarmUp = 300L)
    CosineSchedule(WarmUp = 300L)
]

/// The parameters after a training of one batch of four sequences.
let private trained (schedule: LearningRateSchedule) (learningRate: float) : (string * byte[]) list =
    let options =
        TrainingOptions(
            Sequences = 4L,
            Batch = 4,
            Optimiser = RmsPropOptions(LearningRate = learningRate),
            Schedule = schedule
        )

    use trainer = trainer options 1UL
    train trainer |> ignore
    (snapshot trainer).Parameters

let tests =
    testList "LearningRateSchedule" [
        for name, schedule, values in known do
            test $"{name} has its known values" {
                for sequences, expected in values do
                    Expect.floatClose
                        Accuracy.high
                        (schedule.Fraction(sequences, 1000L))
                        expected
                        $"after {sequences} of 1000"
            }

        for schedule in kinds do
            test $"{schedule.GetType().Name} rises, then does not, and stays within 0 and 1" {
                let fractions = [ for s in 1L .. 1000L -> schedule.Fraction(s, 1000L) ]
                let rising, falling = List.splitAt 300 fractions
                Expect.equal rising (List.sort rising) "the warm-up"
                Expect.equal falling (List.sortDescending falling) "what follows"
                Expect.all fractions (fun fraction -> fraction >= 0.0 && fraction <= 1.0) "fractions"
            }

        test "a trainer takes the learning rate of its schedule" {
            let constant = trained (ConstantSchedule())
            Expect.equal (trained (ConstantSchedule(WarmUp = 16L)) 1e-2) (constant 2.5e-3) "4 of 16 sequences"
            Expect.equal (trained (LinearSchedule(Final = 0.5)) 1e-2) (constant 5e-3) "4 of a budget of 4"
            Expect.notEqual (constant 1e-2) (constant 5e-3) "the learning rate matters"
        }

        for option, value, schedule in
            [
                "warmUp", "-1", ConstantSchedule(WarmUp = -1L) :> LearningRateSchedule
                "final", "1", LinearSchedule(Final = 1.0)
                "final", "-0.5", CosineSchedule(Final = -0.5)
                "final", "NaN", CosineSchedule(Final = nan)
            ] do
            test $"{schedule.GetType().Name}: {option} {value} is refused by name, with its value" {
                Faults.says<ConfigurationException>
                    [ $"training.schedule.{option}:"; value ]
                    schedule.Validate
            }
    ]
