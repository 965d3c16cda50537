/// Random configurations that are all allowed.
module NtmLab.Tests.Configuration.GeneratedConfiguration

open System
open FsCheck
open FsCheck.FSharp
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

/// The smallest configuration: all options have their defaults.
let plain = ExperimentConfiguration(Name = "plain", Task = CopyTask(), Model = NtmOptions())

let private positive: Gen<float> = gen {
    let! digits = Gen.choose (1, Int32.MaxValue)
    let! exponent = Gen.choose (-15, 3)
    return float digits * 10.0 ** float exponent
}

let private upTo (limit: int) : Gen<int> = Gen.choose (1, limit)

let private controller: Gen<ControllerOptions> = gen {
    let! units = upTo 500
    let! layers = upTo 5
    let! forgetBias = Gen.choose (-1000, 1000)

    return!
        Gen.elements [
            FeedForwardControllerOptions(Units = units) :> ControllerOptions
            LstmControllerOptions(Units = units, Layers = layers, ForgetBias = float32 forgetBias / 7.0f)
        ]
}

let private model: Gen<ModelOptions> = gen {
    let! controller = controller
    let! slots = upTo 300
    let! width = upTo 50
    let! readHeads = upTo 8
    let! writeHeads = upTo 8
    let! reach = Gen.choose (0, (slots - 1) / 2)
    let! initialMemory = positive
    let! spread = Gen.oneof [ Gen.constant 0.0; positive ]
    let! gain = positive

    return
        NtmOptions(
            Controller = controller,
            Slots = slots,
            Width = width,
            ReadHeads = readHeads,
            WriteHeads = writeHeads,
            ShiftWidth = 2 * reach + 1,
            InitialMemory = float32 initialMemory,
            InitialSpread = spread,
            InterfaceGain = gain
        )
        :> ModelOptions
}

/// A number from 0 up to, not including, 1.
let private belowOne: Gen<float> =
    Gen.choose (0, 9999) |> Gen.map (fun number -> float number / 10_000.0)

let private optimiser: Gen<OptimiserOptions> = gen {
    let! rate = positive
    let! kept = belowOne
    let! other = belowOne
    let! epsilon = positive
    let! weightDecay = positive

    return!
        Gen.elements [
            RmsPropOptions(LearningRate = rate, Decay = kept, Momentum = other, Epsilon = epsilon)
            :> OptimiserOptions
            AdamOptions(
                LearningRate = rate,
                Beta1 = kept,
                Beta2 = other,
                Epsilon = epsilon,
                WeightDecay = weightDecay
            )
        ]
}

let private schedule: Gen<LearningRateSchedule> = gen {
    let! warmUp = Gen.choose (0, Int32.MaxValue)
    let! final = belowOne

    return!
        Gen.elements [
            ConstantSchedule(WarmUp = int64 warmUp) :> LearningRateSchedule
            LinearSchedule(WarmUp = int64 warmUp, Final = final)
            CosineSchedule(WarmUp = int64 warmUp, Final = final)
        ]
}

let private curriculum (range: LengthRange) : Gen<Curriculum> = gen {
    let! length = Gen.oneof [ Gen.constant 0; Gen.choose (range.Shortest, range.Longest) ]
    let! share = belowOne
    let! part = belowOne
    let! score = positive
    let! window = upTo 1000
    let! number = Gen.choose (2, 100)

    return!
        Gen.elements [
            UniformCurriculum() :> Curriculum
            FixedCurriculum(Length = length)
            LinearCurriculum(From = length, Over = share)
            ExponentialCurriculum(From = length, Over = share)
            PromoteCurriculum(Score = score, Window = window, Step = number, Factor = 1.0 + share)
            LookAndSayCurriculum(
                Score = score,
                Window = window,
                WholeShare = share,
                BackShare = part * (1.0 - share),
                ForwardShare = (1.0 - part) * (1.0 - share)
            )
            PredictionGainCurriculum(
                Arms = number,
                Eta = score,
                Epsilon = 1.0 - share,
                Beta = score,
                Reservoir = window + 1
            )
        ]
}

let private training (range: LengthRange) : Gen<TrainingOptions> = gen {
    let! sequences = Gen.choose (1, Int32.MaxValue)
    let! batch = upTo 1000
    let! curriculum = curriculum range

    let! lengths =
        Gen.elements [
            LengthsOfBatch.One
            if not curriculum.NeedsOneLength then
                LengthsOfBatch.Each
        ]

    let! optimiser = optimiser
    let! schedule = schedule
    let! clip = positive
    let! clipNorm = Gen.oneof [ Gen.constant 0.0; positive ]
    let! score = positive
    let! window = upTo 5000
    let! more = Gen.choose (0, 100_000)
    let! every = upTo 100_000

    return
        TrainingOptions(
            Sequences = int64 sequences * 1000L,
            Batch = batch,
            Curriculum = curriculum,
            Lengths = lengths,
            Optimiser = optimiser,
            Schedule = schedule,
            Clip = clip,
            ClipNorm = clipNorm,
            Solved = SolvedOptions(Score = -score, Window = window, Continue = int64 more),
            EvaluateEvery = int64 every,
            CheckpointEvery = int64 every + 1L
        )
}

let private task: Gen<SequenceTask> = gen {
    let! width = upTo 32
    let! shortest = upTo 50
    let! longer = Gen.choose (0, 100)
    let! distractors = Gen.elements [ Distractors.Bits; Distractors.Blank ]
    let! order = Gen.elements [ RepeatOrder.Blocks; RepeatOrder.Shuffled ]
    let! fillers = Gen.elements [ Fillers.Tokens; Fillers.Blank ]
    let! powerLaw = positive

    return!
        Gen.elements [
            CopyTask(Bits = width, MinLength = shortest, MaxLength = shortest + longer) :> SequenceTask
            NeedleTask(
                Pairs = 2,
                KeyBits = width,
                ValueBits = 33 - width,
                MinLag = shortest,
                MaxLag = shortest + longer,
                Distractors = distractors
            )
            RedundantNeedleTask(
                Facts = 2,
                KeyBits = width,
                ValueBits = 33 - width,
                MinRepeats = shortest,
                MaxRepeats = shortest + longer,
                Noise = powerLaw,
                Order = order
            )
            CopyMemoryTask(
                Alphabet = width + 1,
                Symbols = width,
                MinLag = shortest,
                MaxLag = shortest + longer
            )
            AddingTask(MinLength = shortest + 1, MaxLength = shortest + 1 + longer)
            MqarTask(
                Vocabulary = 2 * width + 2 + longer,
                Pairs = width,
                PowerLaw = powerLaw,
                Fillers = fillers,
                MinLength = 4 * width + shortest,
                MaxLength = 4 * width + shortest + longer
            )
            SelectiveCopyTask(
                Alphabet = width + 1,
                Symbols = width,
                MinLength = width + shortest,
                MaxLength = width + shortest + longer
            )
        ]
}

let private configuration: Gen<ExperimentConfiguration> = gen {
    let! name = Gen.elements [ "a"; "copy"; "copy-2"; "0"; String('z', 60) ]
    let! summary = Gen.elements [ ""; "One sentence."; "Ünïcode \"quotes\" \\ and\nlines." ]
    let! seed = Gen.elements [ 0UL; 1UL; 12345UL; UInt64.MaxValue ]
    let! device = Gen.elements [ DeviceChoice.Cpu; DeviceChoice.Cuda ]
    let! engine = Gen.elements [ EngineChoice.Auto; EngineChoice.Reference ]
    let! threads = upTo 256
    let! task = task
    let! model = model
    let! training = training (task.Lengths())
    let! lengths = Gen.nonEmptyListOf (upTo 1000)
    let! sequences = upTo 1000

    return
        ExperimentConfiguration(
            Name = name,
            Summary = summary,
            Seed = seed,
            Compute = ComputeOptions(Device = device, Engine = engine, Threads = threads),
            Task = task,
            Model = model,
            Training = training,
            Evaluation =
                EvaluationOptions(
                    Lengths = [| for length in lengths -> max length (task.Possible().Shortest) |],
                    Sequences = sequences,
                    SequencesWhileTraining = sequences + 1,
                    SlotsPerStep = float sequences / 8.0
                )
        )
}

/// For FsCheck.
type Arbitraries =
    static member ExperimentConfiguration() : Arbitrary<ExperimentConfiguration> = Arb.fromGen configuration
