module NtmLab.Tests.Training.ResumeTests

open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab.Tests.Scratch
open NtmLab.Tests.Tasks.Curricula.Draws
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training

/// Where a training of six batches is cut, and its seed.
type Cut = { After: int; Seed: uint64 }

type Arbitraries =
    static member Cut() : Arbitrary<Cut> =
        gen {
            let! after = Gen.choose (0, 6)
            let! seed = Gen.choose (0, 1000)
            return { After = after; Seed = uint64 seed }
        }
        |> Arb.fromGen

let private config = {
    FsCheckConfig.defaultConfig with
        maxTest = 10
        arbitrary = [ typeof<Arbitraries> ]
}

/// The sample training, six batches of four, with other optimisers and schedules.
let private trainings: (string * TrainingOptions) list =
    let training (optimiser: OptimiserOptions) (schedule: LearningRateSchedule) =
        TrainingOptions(
            Sequences = options.Sequences,
            Batch = options.Batch,
            Optimiser = optimiser,
            Schedule = schedule,
            ClipNorm = 0.5,
            EvaluateEvery = options.EvaluateEvery,
            CheckpointEvery = options.CheckpointEvery,
            Solved = options.Solved
        )

    [
        "RMSProp", options
        "RMSProp with a cosine schedule",
        training (RmsPropOptions(LearningRate = 1e-2)) (CosineSchedule(WarmUp = 6L, Final = 0.1))
        "Adam with weight decay and a linear schedule",
        training (AdamOptions(LearningRate = 1e-2, WeightDecay = 0.1)) (LinearSchedule(WarmUp = 10L))
    ]

/// Restores into a trainer whose parameters came from elsewhere, so that nothing is right by chance.
let private resumeAs (options: TrainingOptions) (path: string) (seed: uint64) : Trainer =
    let fresh =
        new Trainer(buildModel modelOptions (seed + 1UL), task, options, evaluation, seed, StoppedClock())

    Checkpoint.Restore(path, fresh)
    fresh

let private resume: string -> uint64 -> Trainer = resumeAs options

/// Requires a training that is cut and resumed to equal an uninterrupted one.
let private resumesExactly (options: TrainingOptions) (cut: Cut) : unit =
    use folder = new Folder()
    use whole = trainer options cut.Seed
    let wholeEvents = (train whole).Events
    use first = trainer options cut.Seed
    let before = (trainBatches cut.After first).Events
    Checkpoint.Save(folder.File "a.ckpt", first, "run")
    use second = resumeAs options (folder.File "a.ckpt") cut.Seed
    let after = (train second).Events
    Expect.equal (before @ after) wholeEvents "metrics and evaluations"
    Expect.equal (snapshot second) (snapshot whole) "parameters, optimiser and state"

let tests =
    testList "Resuming" [
        for name, options in trainings do
            testPropertyWithConfig
                config
                $"a resumed training with {name} equals an uninterrupted one, bit for bit"
                (resumesExactly options)

        for name, curriculum in curricula do
            let cuts = if curriculum.NeedsOneLength then [ 2; 5 ] else [ 3 ]

            for after in cuts do
                test
                    $"a training with a curriculum of kind {name}, cut after {after} batches, equals an uninterrupted one" {
                    resumesExactly (withCurriculum curriculum) { After = after; Seed = 7UL }
                }

        test "a training that is cut after every batch equals an uninterrupted one" {
            use folder = new Folder()
            use whole = trainer options 5UL
            train whole |> ignore

            do
                use start = trainer options 5UL
                Checkpoint.Save(folder.File "a.ckpt", start, "run")

            for _ in 1..6 do
                use part = resume (folder.File "a.ckpt") 5UL
                trainBatches 1 part |> ignore
                Checkpoint.Save(folder.File "a.ckpt", part, "run")

            use last = resume (folder.File "a.ckpt") 5UL
            Expect.equal (snapshot last) (snapshot whole) "six sittings"
        }

        test "a finished training stays finished" {
            use folder = new Folder()
            use whole = trainer options 5UL
            train whole |> ignore
            Checkpoint.Save(folder.File "a.ckpt", whole, "run")
            use again = resume (folder.File "a.ckpt") 5UL
            Expect.isTrue again.Finished "there is nothing left to do"
        }

        test "an evaluation in between changes nothing" {
            use whole = trainer options 5UL
            train whole |> ignore
            use observed = trainer options 5UL

            for _ in 1..6 do
                trainBatches 1 observed |> ignore
                Evaluation.ByLength(observed.Model, task, [| 1; 9 |], 7, 99UL) |> ignore

            Expect.equal (snapshot observed) (snapshot whole) "parameters, optimiser and state"
        }
    ]
