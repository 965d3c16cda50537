module NtmLab.Tests.Models.KeepingModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Samples

let private models: (string * ModelOptions) list = [
    "fifo", FifoOptions(Controller = lstm 5 1, Slots = 3, Width = 3)
    "fifo, two heads", FifoOptions(Controller = feedForward 5, Slots = 4, Width = 2, ReadHeads = 2)
    "keep-all", KeepAllOptions(Controller = feedForward 5, Width = 3)
    // More slots than steps of the check of gradients: what is sampled depends on every bit of the inputs.
    "reservoir", ReservoirOptions(Controller = lstm 4 1, Slots = 5, Width = 3)
    "keep-novel", KeepNovelOptions(Controller = feedForward 5, Slots = 4, Width = 3, Threshold = 0.5)
    "keep-novel, skipping",
    KeepNovelOptions(Controller = lstm 4 1, Slots = 4, Width = 3, Threshold = 0.5, Repeats = Repeats.Skip)
    "surprise", SurpriseOptions(Controller = lstm 4 1, Slots = 4, Width = 3)
    "learned-gate", LearnedGateOptions(Controller = lstm 4 1, Slots = 4, Width = 3)
    "budgeted", BudgetedOptions(Controller = lstm 4 1, Slots = 4, Width = 3, Budget = 3)
]

let tests =
    testList "KeepingModel" [
        for name, options in models do
            ModelLaws.tests name options
    ]
