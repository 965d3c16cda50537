module NtmLab.Tests.Configuration.PresetTests

open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests

let private build (preset: Preset) (moreInputs: int) (moreOutputs: int) : SequenceModel =
    let inputs, outputs = preset.Task.InputWidth() + moreInputs, preset.Task.OutputWidth() + moreOutputs
    preset.Model.Build(inputs, outputs, RandomStream(1UL, "model"))

let tests =
    testList "Preset" [
        for task, expected in
            [
                "copy", (CopyTask() :> SequenceTask, 9, 8, LengthRange(1, 20))
                "repeat-copy", (RepeatCopyTask(Bits = 6), 8, 7, LengthRange(1, 10))
                "associative-recall", (AssociativeRecallTask(), 8, 6, LengthRange(2, 6))
                "n-grams", (NGramsTask(), 1, 1, LengthRange(200, 200))
                "priority-sort", (PrioritySortTask(), 9, 8, LengthRange(20, 20))
            ] do
            test $"those of {task} have the paper's task" {
                for model in [ "ntm"; "ntm-feed-forward"; "lstm" ] do
                    let mine = (Preset.Find $"{model}/{task}/paper").Task
                    let found = mine, mine.InputWidth(), mine.OutputWidth(), mine.Lengths()
                    Expect.equal found expected model
            }

        test "with skip connections, four of the paper's five LSTM networks have its parameter counts" {
            for task, more, expected in
                [
                    // The paper's copy has one more delimiter than the task, in its input and in its output.
                    "copy", 1, 1_352_969L
                    "repeat-copy", 0, 5_312_007L
                    "associative-recall", 0, 1_344_518L
                    "n-grams", 0, 331_905L
                ] do
                use model = build (Preset.Find $"lstm/{task}/paper") more more
                Expect.equal model.ParameterCount expected $"{task}, table 3"
        }

        test "every one is allowed, and builds" {
            for preset in Preset.All do
                let configuration =
                    ExperimentConfiguration(
                        Name = "paper",
                        Task = preset.Task,
                        Model = preset.Model,
                        Training = preset.Train(Training.TrainingOptions(Sequences = 7L))
                    )

                configuration.Validate()
                Expect.equal configuration.Training.Sequences 7L "the rest of the training stays"
                Expect.equal configuration.Training.Optimiser preset.Optimiser "the optimiser"
                use model = build preset 0 0
                Expect.isGreaterThan model.ParameterCount 10_000L preset.Name
        }

        test "each has a name of its own, of a known model and task" {
            let names = [ for preset in Preset.All -> preset.Name ]
            Expect.equal (List.distinct names) names "no name twice"

            for preset in Preset.All do
                let parts = preset.Name.Split '/'
                Expect.equal parts[1] (Catalog.NameOf(preset.Task.GetType())) "task"
                Expect.stringStarts preset.Name (Catalog.NameOf(preset.Model.GetType())) "model"
        }

        test "an unknown one suggests the nearest" {
            Faults.says<ConfigurationException> [ "ntm/copi/paper"; "ntm/copy/paper" ] (fun () ->
                Preset.Find "ntm/copi/paper" |> ignore)
        }
    ]
