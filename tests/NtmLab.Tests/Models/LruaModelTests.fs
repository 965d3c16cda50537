module NtmLab.Tests.Models.LruaModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Training

let private models: (string * LruaOptions) list = [
    "an LSTM controller", LruaOptions(Controller = lstm 5 1, Slots = 5, Width = 3)
    "a feed-forward controller", LruaOptions(Controller = feedForward 5, Slots = 7, Width = 3)
    "three heads", LruaOptions(Controller = lstm 4 2, Slots = 7, Width = 2, ReadHeads = 3, UsageDecay = 0.5)
    "as many heads as slots", LruaOptions(Controller = lstm 4 1, Slots = 2, Width = 3, ReadHeads = 2)
]

let private build (options: LruaOptions) : MemoryModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) :?> MemoryModel

let private sizes =
    testList "sizes" [
        test "the model has the parameters of the paper's equations" {
            let model =
                (LruaOptions(Controller = lstm 50 1, Slots = 16, Width = 12, ReadHeads = 3))
                    .Build(9, 8, RandomStream(1UL, "model"))

            let reads = 3 * 12
            let lstm = 4 * 50 * (9 + reads + 50 + 1) + 2 * 50 // weights and biases; initial hidden and cell
            let heads = 3 * 12 + 3 // a key and a gate each
            let projections = heads * (50 + 1) + 8 * (50 + reads + 1)
            Expect.equal model.ParameterCount (int64 (lstm + projections + reads)) "with the first reads"
        }

        test "the state holds the usage and the read weightings of every slot" {
            let model = build (LruaOptions(Controller = feedForward 4, Slots = 10, Width = 5, ReadHeads = 2))

            Expect.equal model.StateSize (10L * 5L + 2L * 5L + 10L * (1L + 2L)) "beside memory and reads"
        }
    ]

let private refused =
    testList "refused" [
        for decay, text in [ 1.0, "1"; -0.1, "-0.1"; nan, "NaN" ] do
            test $"a usage decay of {text} is refused" {
                Faults.says<ConfigurationException> [ "model.usageDecay"; text; "from 0" ] (fun () ->
                    LruaOptions(UsageDecay = decay).Validate())
            }

        test "more heads than slots are refused, in the options and later" {
            Faults.says<ConfigurationException> [ "model.readHeads"; "5"; "4 slots" ] (fun () ->
                LruaOptions(ReadHeads = 5, Slots = 4).Validate())

            let model = build (LruaOptions(Controller = feedForward 4, Slots = 4, Width = 3, ReadHeads = 4))

            Faults.says<ConfigurationException> [ "model.slots"; "3"; "4 or more" ] (fun () ->
                model.Slots <- 3)
        }

        test "options of every memory model are checked too" {
            Faults.says<ConfigurationException> [ "model.width"; "0"; "1 or more" ] (fun () ->
                LruaOptions(Width = 0).Validate())
        }
    ]

let tests =
    testList "LruaModel" [
        for name, options in models do
            ModelLaws.tests name options

        ModelLaws.learns
            (LruaOptions(Controller = lstm 24 1, Slots = 6, Width = 6))
            10_000L
            (RmsPropOptions(LearningRate = 1e-2))
        sizes
        refused
    ]
