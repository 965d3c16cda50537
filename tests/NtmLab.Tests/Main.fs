module NtmLab.Tests.Main

open Expecto
open NtmLab.Native
open TorchSharp

// Functions: some tests name types of torch, which must not be touched before libtorch is loaded.

/// What is tested in this process.
let private inside () : Test list = [
    RandomStreamTests.tests
    AtomicFileTests.tests
    ShapeTests.tests
    testList "Configuration" [
        Configuration.ConfigurationJsonTests.tests
        Configuration.ConfigurationOverrideTests.tests
        Configuration.ValidationTests.tests
        Configuration.SuggestionTests.tests
        Configuration.CatalogTests.tests
        Configuration.PresetTests.tests
    ]
    testList "Kernels" [
        Kernels.LaneMathTests.tests
        Kernels.BitCrossEntropyTests.tests
        Kernels.NtmKernelTests.tests
        Kernels.NtmPriceTests.tests
        Kernels.NtmFocusTests.tests
        Kernels.SlotScanTests.tests
        Kernels.IndexedSearchTests.tests
        Kernels.AccessOrderTests.tests
        Kernels.SparseAccessTests.tests
        Kernels.SparseKernelTests.tests
        Kernels.DncKernelTests.tests
        Kernels.RecurrentKernelTests.tests
    ]
    testList "Memory" [
        Memory.AddressingTests.tests
        Memory.AddressingOracleTests.tests
        Memory.AddressingGradientTests.tests
        Memory.InterfaceLayoutTests.tests
        Memory.NtmPolicyTests.tests
        Memory.DncAddressingTests.tests
        Memory.DncAddressingOracleTests.tests
        Memory.DncAddressingGradientTests.tests
        Memory.DncPolicyTests.tests
        Memory.LruaAddressingTests.tests
        Memory.LruaPolicyTests.tests
        Memory.KeepingPolicyTests.tests
        Memory.PolicyCheckTests.tests
        Memory.SparsePolicyTests.tests
        Memory.ScriptPolicyTests.tests
        Memory.NamedStateTests.tests
        Memory.DecisionCheckTests.tests
    ]
    testList "Models" [
        Models.InitialisationTests.tests
        Models.ControllerTests.tests
        Models.NtmModelTests.tests
        Models.RecurrentModelTests.tests
        Models.HierarchicalAttentionModelTests.tests
        Models.DeltaNetModelTests.tests
        Models.SsmModelTests.tests
        Models.TcnModelTests.tests
        Models.AttentionModelTests.tests
        Models.ContextAttentionModelTests.tests
        testList "Blocks" [
            Models.Blocks.RotationTests.tests
            Models.Blocks.AttentionWindowTests.tests
            Models.Blocks.AttentionBlockTests.tests
            Models.Blocks.AdditiveScoreTests.tests
            Models.Blocks.DistanceBiasTests.tests
            Models.Blocks.CausalConvolutionTests.tests
            Models.Blocks.ComplexPairTests.tests
            Models.Blocks.DiagonalStateSpaceTests.tests
            Models.Blocks.FastWeightsTests.tests
            Models.Blocks.ShortConvolutionTests.tests
        ]
        Models.DncModelTests.tests
        Models.LruaModelTests.tests
        Models.KeepingModelTests.tests
        Models.SparseModelTests.tests
        Models.TokenModelTests.tests
        Models.TrafficTests.tests
        Models.MemoryFileTests.tests
    ]
    testList "Data" [
        Data.IdxFileTests.tests
        Data.TableReaderTests.tests
        Data.SequenceStoreTests.tests
        Data.EpochOrderTests.tests
    ]
    testList "Tasks" [
        Tasks.TaskLaws.tests
        Tasks.SequenceTaskTests.tests
        Tasks.SequenceBatchTests.tests
        Tasks.CopyTaskTests.tests
        Tasks.LongCopyTaskTests.tests
        Tasks.ScriptTaskTests.tests
        Tasks.RepeatCopyTaskTests.tests
        Tasks.AssociativeRecallTaskTests.tests
        Tasks.NGramsTaskTests.tests
        Tasks.PrioritySortTaskTests.tests
        Tasks.NeedleTaskTests.tests
        Tasks.RedundantNeedleTaskTests.tests
        Tasks.CopyMemoryTaskTests.tests
        Tasks.AddingTaskTests.tests
        Tasks.MqarTaskTests.tests
        Tasks.SelectiveCopyTaskTests.tests
        Tasks.BinaryOutputTests.tests
        testList "Curricula" [
            Tasks.Curricula.CurriculumTests.tests
            Tasks.Curricula.GrowingCurriculumTests.tests
            Tasks.Curricula.PromotingCurriculumTests.tests
            Tasks.Curricula.PredictionGainCurriculumTests.tests
        ]
        Tasks.DigitsTaskTests.tests
        Tasks.TableTaskTests.tests
        Tasks.TokenOutputTests.tests
        Tasks.RealOutputTests.tests
    ]
    testList "Training" [
        Training.OptimiserTests.tests
        Training.RmsPropTests.tests
        Training.AdamTests.tests
        Training.LearningRateScheduleTests.tests
        Training.EvaluationTests.tests
        Training.TrainerTests.tests
        Training.BatchSourceTests.tests
        Training.ResumeTests.tests
        Training.CheckpointTests.tests
        Training.LiveTensorTests.tests
    ]
    testList "Benchmarks" [ Benchmarks.BatchBenchmarkTests.tests; Benchmarks.MemoryBenchmarkTests.tests ]
    testList "Probes" [
        Probes.HeadTraceTests.tests
        Probes.WeightingDriftTests.tests
        Probes.HeadTraceFileTests.tests
        Probes.SlotProbeTests.tests
        Probes.GradientFlowTests.tests
        Probes.PathProbeTests.tests
        Probes.CostProbeTests.tests
        Probes.JacobianProbeTests.tests
    ]
    testList "Runs" [
        Runs.RunFolderTests.tests
        Runs.MetricsLogTests.tests
        Runs.RunFoldersTests.tests
        Runs.RunStoreTests.tests
    ]
    testList "Interchange" [
        Interchange.WeightsFileTests.tests
        Interchange.WeightsLayoutTests.tests
        Interchange.RunWeightsTests.tests
        Interchange.RunTablesTests.tests
        Interchange.RunScalarsTests.tests
        Interchange.RunExportTests.tests
        Interchange.PyTorchTests.tests
    ]
    testList "Native" [ Native.ElfVersionNeedsTests.tests; Native.LibTorchTests.tests ]
    testList "FSharp" [
        FSharp.LanguageTests.tests
        FSharp.ExampleTests.tests
        FSharp.PolicyTests.tests
        FSharp.StudyTests.tests
        FSharp.LatexTests.tests
        FSharp.PaperTests.tests
        FSharp.PaperBuildTests.tests
        FSharp.SweepPlanTests.tests
        FSharp.StatisticsTests.tests
        testList "Differentiation" [
            FSharp.Differentiation.FunctionsTests.tests
            FSharp.Differentiation.FunctionLawsTests.tests
            FSharp.Differentiation.NestingTests.tests
            FSharp.Differentiation.ResultsTests.tests
            FSharp.Differentiation.FaultsTests.tests
            FSharp.Differentiation.ParametersTests.tests
            FSharp.Differentiation.ScriptTests.tests
        ]
    ]
]

/// The command, started as a user starts it.
let private commands () : Test list = [
    testList "Cli" [
        Cli.CommandLineTests.tests
        Cli.ResumeTests.tests
        Cli.MemoryCommandTests.tests
        Cli.InterchangeCommandTests.tests
        Cli.CompareCommandTests.tests
        Cli.StoreCommandTests.tests
        Cli.PlainScriptTests.tests
        Cli.ProbeCommandTests.tests
        Cli.StudyCommandTests.tests
    ]
]

/// What others are needed for: clusters, browsers, programs of ours that use the packages.
let private others () : Test list = [
    testList "Cli" [ Cli.SiteTests.tests; Cli.SweepCommandTests.tests ]
    testList "Dashboard" [ Dashboard.DashboardServerTests.tests; Dashboard.PageTests.tests ]
    testList "Docs" [ Docs.PackageTests.tests; Docs.PageTests.tests ]
    RepositoryTests.tests
]

/// The tests that are asked for, and the options for Expecto: `--part inside`, `commands` and `others` are parts that wait for different
/// things, which `ntmlab test` runs side by side.
let private chosen (arguments: string list) : Test list * string list =
    match arguments with
    | "--part" :: "inside" :: options -> inside (), options
    | "--part" :: "commands" :: options -> commands (), options
    | "--part" :: "others" :: options -> others (), options
    | options -> inside () @ commands () @ others (), options

[<EntryPoint>]
let main (arguments: string[]) : int =
    LibTorch.Load()
    // The machine is shared with trainings, and the tests' tensors are too small for more.
    torch.set_num_threads 1
    let tests, options = chosen (List.ofArray arguments)
    // One at a time: TorchSharp frees a plain number that a native call still reads when another thread collects garbage.
    runTestsWithCLIArgs [ Sequenced ] (Array.ofList options) (testList "NtmLab" tests)
