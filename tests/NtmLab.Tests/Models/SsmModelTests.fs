module NtmLab.Tests.Models.SsmModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Training

let private variants: (string * SsmOptions) list = [
    "one layer", SsmOptions(Width = 3, States = 2, Layers = 1, StepMin = 0.05, StepMax = 0.5)
    "three layers of odd sizes", SsmOptions(Width = 5, States = 3, Layers = 3)
    "a single state in each channel",
    SsmOptions(Width = 4, States = 1, Layers = 2, StepMin = 0.1, StepMax = 0.1)
]

let private build (options: SsmOptions) : SequenceModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

let private sizes =
    testList "sizes" [
        test "the default model has the parameters, state and products of its equations" {
            let width, states, layers = 64, 16, 4
            let norm = 2 * width
            let stateSpace = width + 4 * width * states + width // step; decay, frequency, C; skip
            let gated = 2 * width * width + 2 * width
            let input, output = width * inputWidth + width, outputWidth * width + outputWidth
            let model = build (SsmOptions())

            Expect.equal
                model.ParameterCount
                (int64 (input + layers * (norm + stateSpace + gated) + output))
                "parameters"

            Expect.equal model.StateSize (int64 (layers * width * states * 2)) "complex numbers"
            // One complex product is four real ones; the input is real, and of the output only the real part is wanted.
            let recurrence = width * states * (4 + 2 + 2) + width

            Expect.equal
                model.MultiplyAddsPerStep
                (int64 (
                    width * inputWidth
                    + layers * (recurrence + 2 * width * width)
                    + outputWidth * width
                ))
                "multiply-adds"
        }

        test "a signal passes one update of the state for each step that it waits" {
            let model = build (SsmOptions())

            Expect.equal
                [ for lag in [ 0L; 1L; 10L; 1000L ] -> model.PathLength lag ]
                [ 2L; 4L; 13L; 1003L ]
                "as in any recurrent network"
        }
    ]

let private faults =
    testList "options" [
        for options, words in
            [
                SsmOptions(Width = 0), [ "model.width: 0"; "1 or more" ]
                SsmOptions(States = 0), [ "model.states: 0"; "1 or more" ]
                SsmOptions(Layers = 0), [ "model.layers: 0"; "1 or more" ]
                SsmOptions(StepMin = 0.0), [ "model.stepMin: 0"; "greater than 0" ]
                SsmOptions(StepMax = infinity), [ "model.stepMax: Infinity"; "greater than 0" ]
                SsmOptions(StepMin = 0.5), [ "model.stepMax: 0.1"; "stepMin of 0.5"; "stepMin or more" ]
            ] do
            test $"{words.Head} is refused by name, for {words.Tail.Head}" {
                Faults.says<ConfigurationException> words (fun () -> build options |> ignore)
            }
    ]

let tests =
    testList "SsmModel" [
        for name, options in variants do
            ModelLaws.tests name options

        sizes
        faults
        ModelLaws.learns
            (SsmOptions(Width = 16, States = 4, Layers = 2, StepMin = 0.05, StepMax = 0.5))
            12_000L
            (RmsPropOptions(LearningRate = 3e-3))
    ]
