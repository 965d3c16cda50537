module NtmLab.Tests.Configuration.ValidationTests

open System
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Configuration.GeneratedConfiguration
open NtmLab.Training

let private withModel (model: ModelOptions) =
    ExperimentConfiguration(Name = "x", Task = CopyTask(), Model = model)

let private withTask (task: SequenceTask) =
    ExperimentConfiguration(Name = "x", Task = task, Model = NtmOptions())

let private withTraining (training: TrainingOptions) =
    ExperimentConfiguration(Name = "x", Task = CopyTask(), Model = NtmOptions(), Training = training)

let private withOptimiser (optimiser: OptimiserOptions) =
    withTraining (TrainingOptions(Optimiser = optimiser))

let private withSolved (solved: SolvedOptions) = withTraining (TrainingOptions(Solved = solved))

let private withCurriculum (curriculum: Curriculum) = withTraining (TrainingOptions(Curriculum = curriculum))

let private withEvaluation (evaluation: EvaluationOptions) =
    ExperimentConfiguration(Name = "x", Task = CopyTask(), Model = NtmOptions(), Evaluation = evaluation)

let private named (name: string) =
    ExperimentConfiguration(Name = name, Task = CopyTask(), Model = NtmOptions())

/// The option that must be named, with its impossible value in the message.
let private impossible: (string * string * ExperimentConfiguration) list = [
    "name", "''", named ""
    "name", "'Copy'", named "Copy"
    "name", "'a/b'", named "a/b"
    "name", "'..'", named ".."
    "name", "zzz", named (String('z', 61))
    "compute.threads",
    "0",
    ExperimentConfiguration(
        Name = "x",
        Task = CopyTask(),
        Model = NtmOptions(),
        Compute = ComputeOptions(Threads = 0)
    )
    "task.bits", "0", withTask (CopyTask(Bits = 0))
    "task.minLength", "0", withTask (CopyTask(MinLength = 0))
    "task.maxLength", "3", withTask (CopyTask(MinLength = 4, MaxLength = 3))
    "task.maxLength", "2147483647", withTask (CopyTask(MaxLength = Int32.MaxValue))
    "model.slots", "0", withModel (NtmOptions(Slots = 0))
    "model.slots", "-1", withModel (NtmOptions(Slots = -1))
    "model.width", "0", withModel (NtmOptions(Width = 0))
    "model.readHeads", "0", withModel (NtmOptions(ReadHeads = 0))
    "model.writeHeads", "0", withModel (NtmOptions(WriteHeads = 0))
    "model.shiftWidth", "4", withModel (NtmOptions(ShiftWidth = 4))
    "model.shiftWidth", "-1", withModel (NtmOptions(ShiftWidth = -1))
    "model.entropyPrice", "-1", withModel (NtmOptions(EntropyPrice = -1.0))
    "model.writePrice", "NaN", withModel (NtmOptions(WritePrice = nan))
    "model.shiftWidth", "9", withModel (NtmOptions(ShiftWidth = 9, Slots = 8))
    "model.initialMemory", "NaN", withModel (NtmOptions(InitialMemory = nanf))
    "model.initialSpread", "-0.5", withModel (NtmOptions(InitialSpread = -0.5))
    "model.initialSpread", "NaN", withModel (NtmOptions(InitialSpread = nan))
    "model.interfaceGain", "0", withModel (NtmOptions(InterfaceGain = 0.0))
    "model.interfaceGain", "Infinity", withModel (NtmOptions(InterfaceGain = infinity))
    "model.initialKeyStrength", "0", withModel (FifoOptions(InitialKeyStrength = 0.0))
    "model.initialKeyStrength", "NaN", withModel (KeepAllOptions(InitialKeyStrength = nan))
    "model.initialKeyStrength", "-1", withModel (ReservoirOptions(InitialKeyStrength = -1.0))
    "model.indexAbove", "-1", withModel (SparseOptions(IndexAbove = -1))
    "model.threshold", "1.1", withModel (KeepNovelOptions(Threshold = 1.1))
    "model.threshold", "-1.1", withModel (KeepNovelOptions(Threshold = -1.1))
    "model.threshold", "NaN", withModel (KeepNovelOptions(Threshold = nan))
    "model.threshold", "-0.1", withModel (SurpriseOptions(Threshold = -0.1))
    "model.threshold", "Infinity", withModel (SurpriseOptions(Threshold = infinity))
    "model.sharpness", "0", withModel (SurpriseOptions(Sharpness = 0.0))
    "model.predictionWeight", "-1", withModel (SurpriseOptions(PredictionWeight = -1.0))
    "model.price", "-0.5", withModel (LearnedGateOptions(Price = -0.5))
    "model.price", "NaN", withModel (BudgetedOptions(Price = nan))
    "model.threshold", "0", withModel (LearnedGateOptions(Threshold = 0.0))
    "model.threshold", "1", withModel (BudgetedOptions(Threshold = 1.0))
    "model.initialGate", "0", withModel (LearnedGateOptions(InitialGate = 0.0))
    "model.initialGate", "1", withModel (BudgetedOptions(InitialGate = 1.0))
    "model.budget", "0", withModel (BudgetedOptions(Budget = 0))
    "model.budget", "9 is not allowed; 1 to 8", withModel (BudgetedOptions(Budget = 9, Slots = 8))
    "model.controller.units", "0", withModel (NtmOptions(Controller = LstmControllerOptions(Units = 0)))
    "model.controller.units",
    "-1",
    withModel (NtmOptions(Controller = FeedForwardControllerOptions(Units = -1)))
    "model.controller.layers", "0", withModel (NtmOptions(Controller = LstmControllerOptions(Layers = 0)))
    "model.controller.forgetBias",
    "NaN",
    withModel (NtmOptions(Controller = LstmControllerOptions(ForgetBias = nanf)))
    "training.sequences", "0", withTraining (TrainingOptions(Sequences = 0L))
    "training.batch", "0", withTraining (TrainingOptions(Batch = 0))
    "training.clip", "0", withTraining (TrainingOptions(Clip = 0.0))
    "training.clip", "NaN", withTraining (TrainingOptions(Clip = nan))
    "training.clipNorm", "-1", withTraining (TrainingOptions(ClipNorm = -1.0))
    "training.clipNorm", "NaN", withTraining (TrainingOptions(ClipNorm = nan))
    "training.schedule.warmUp",
    "-1",
    withTraining (TrainingOptions(Schedule = ConstantSchedule(WarmUp = -1L)))
    "training.evaluateEvery", "0", withTraining (TrainingOptions(EvaluateEvery = 0L))
    "training.checkpointEvery", "0", withTraining (TrainingOptions(CheckpointEvery = 0L))
    "training.optimiser.learningRate", "-0.1", withOptimiser (RmsPropOptions(LearningRate = -0.1))
    "training.optimiser.learningRate", "NaN", withOptimiser (RmsPropOptions(LearningRate = nan))
    "training.optimiser.decay", "1", withOptimiser (RmsPropOptions(Decay = 1.0))
    "training.optimiser.momentum", "-0.5", withOptimiser (RmsPropOptions(Momentum = -0.5))
    "training.optimiser.momentum", "NaN", withOptimiser (RmsPropOptions(Momentum = nan))
    "training.optimiser.epsilon", "0", withOptimiser (RmsPropOptions(Epsilon = 0.0))
    "training.optimiser.learningRate", "0", withOptimiser (AdamOptions(LearningRate = 0.0))
    "training.optimiser.beta1", "1", withOptimiser (AdamOptions(Beta1 = 1.0))
    "training.optimiser.beta2", "-0.1", withOptimiser (AdamOptions(Beta2 = -0.1))
    "training.optimiser.epsilon", "-1", withOptimiser (AdamOptions(Epsilon = -1.0))
    "training.optimiser.weightDecay", "-0.01", withOptimiser (AdamOptions(WeightDecay = -0.01))
    "training.optimiser.weightDecay", "Infinity", withOptimiser (AdamOptions(WeightDecay = infinity))
    "training.curriculum.length", "-1", withCurriculum (FixedCurriculum(Length = -1))
    "training.curriculum.length", "21", withCurriculum (FixedCurriculum(Length = 21))
    "training.curriculum.from", "21", withCurriculum (LinearCurriculum(From = 21))
    "training.curriculum.over", "1.1", withCurriculum (LinearCurriculum(Over = 1.1))
    "training.curriculum.from", "-1", withCurriculum (ExponentialCurriculum(From = -1))
    "training.curriculum.over", "NaN", withCurriculum (ExponentialCurriculum(Over = nan))
    "training.curriculum.score", "NaN", withCurriculum (PromoteCurriculum(Score = nan))
    "training.curriculum.window", "0", withCurriculum (PromoteCurriculum(Window = 0))
    "training.curriculum.from", "22", withCurriculum (PromoteCurriculum(From = 22))
    "training.curriculum.step", "0", withCurriculum (PromoteCurriculum(Step = 0))
    "training.curriculum.factor", "0.5", withCurriculum (PromoteCurriculum(Factor = 0.5))
    "training.curriculum.factor", "Infinity", withCurriculum (PromoteCurriculum(Factor = infinity))
    "training.curriculum.score", "Infinity", withCurriculum (LookAndSayCurriculum(Score = infinity))
    "training.curriculum.window", "-1", withCurriculum (LookAndSayCurriculum(Window = -1))
    "training.curriculum.wholeShare", "-0.1", withCurriculum (LookAndSayCurriculum(WholeShare = -0.1))
    "training.curriculum.backShare", "1.5", withCurriculum (LookAndSayCurriculum(BackShare = 1.5))
    "training.curriculum.forwardShare", "NaN", withCurriculum (LookAndSayCurriculum(ForwardShare = nan))
    "training.curriculum.forwardShare",
    "sum to 0.85; shares that sum to 1",
    withCurriculum (LookAndSayCurriculum(ForwardShare = 0.5))
    "training.curriculum.arms", "1", withCurriculum (PredictionGainCurriculum(Arms = 1))
    "training.curriculum.eta", "0", withCurriculum (PredictionGainCurriculum(Eta = 0.0))
    "training.curriculum.epsilon", "0", withCurriculum (PredictionGainCurriculum(Epsilon = 0.0))
    "training.curriculum.epsilon", "1.5", withCurriculum (PredictionGainCurriculum(Epsilon = 1.5))
    "training.curriculum.beta", "NaN", withCurriculum (PredictionGainCurriculum(Beta = nan))
    "training.curriculum.reservoir", "1", withCurriculum (PredictionGainCurriculum(Reservoir = 1))
    "training.lengths",
    "'each'",
    withTraining (TrainingOptions(Curriculum = PromoteCurriculum(), Lengths = LengthsOfBatch.Each))
    "training.lengths",
    "batches of one length",
    withTraining (TrainingOptions(Curriculum = LookAndSayCurriculum(), Lengths = LengthsOfBatch.Each))
    "training.lengths",
    "'one' is",
    withTraining (TrainingOptions(Curriculum = PredictionGainCurriculum(), Lengths = LengthsOfBatch.Each))
    "training.solved.score", "NaN", withSolved (SolvedOptions(Score = nan))
    "training.solved.window", "0", withSolved (SolvedOptions(Window = 0))
    "training.solved.continue", "-1", withSolved (SolvedOptions(Continue = -1L))
    "training.priceWarmUp", "-1", withTraining (TrainingOptions(PriceWarmUp = -1L))
    "training.skips",
    "-1",
    ExperimentConfiguration(
        Name = "x",
        Task = CopyTask(),
        Model = NtmOptions(),
        Training = TrainingOptions(Skips = -1)
    )
    "evaluation.lengths", "no lengths", withEvaluation (EvaluationOptions(Lengths = [||]))
    "evaluation.lengths", "0", withEvaluation (EvaluationOptions(Lengths = [| 5; 0 |]))
    "evaluation.lengths",
    "2147483647",
    withEvaluation (EvaluationOptions(Lengths = [| System.Int32.MaxValue |]))
    "evaluation.lengths",
    "20 is not allowed; 32",
    ExperimentConfiguration(
        Name = "x",
        Task = MqarTask(Pairs = 8),
        Model = NtmOptions(),
        Evaluation = EvaluationOptions(Lengths = [| 40; 20 |])
    )
    "evaluation.sequences", "0", withEvaluation (EvaluationOptions(Sequences = 0))
    "evaluation.slotsPerStep", "-0.5", withEvaluation (EvaluationOptions(SlotsPerStep = -0.5))
    "evaluation.sequencesWhileTraining", "0", withEvaluation (EvaluationOptions(SequencesWhileTraining = 0))
]

let tests =
    testList "Validation" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }
            "possible configurations are accepted"
            (fun (configuration: ExperimentConfiguration) -> configuration.Validate())

        test "the defaults are accepted" { plain.Validate() }

        for option, value, configuration in impossible do
            test $"{option} {value} is refused by name, with its value" {
                Faults.says<ConfigurationException> [ $"{option}:"; value ] configuration.Validate
            }

        test "an impossible request is bad usage" {
            Expect.equal
                (ConfigurationException "x.").ExitCode
                2
                "the exit code of the command line's contract"
        }
    ]
