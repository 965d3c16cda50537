module NtmLab.Tests.FSharp.LanguageTests

open System.IO
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training
open NtmLab.Tests.Cli.CommandLine

let private sentence (build: unit -> ExperimentConfiguration) : string =
    try
        build () |> ignore
        failtest "nothing was refused"
    with :? ConfigurationException as fault ->
        fault.Message

let tests =
    testList "Language" [
        testCase "a block gives a configuration that validates" (fun () ->
            let configuration = experiment "small" {
                summary "A test."
                seed 9
                task (CopyTask(Bits = 3))
                model (NtmOptions(Controller = feedForward 7))
            }

            configuration.Validate()
            Expect.equal configuration.Seed 9UL "seed"
            Expect.equal (configuration.Task :?> CopyTask).Bits 3 "task")
        testCase "a preset gives task, model and optimiser, and leaves the rest of the training" (fun () ->
            let configuration = experiment "paper" {
                training (TrainingOptions(Sequences = 500L))
                preset "lstm/n-grams/paper"
            }

            let paper = Preset.Find "lstm/n-grams/paper"
            Expect.equal configuration.Task paper.Task "task"
            Expect.equal configuration.Model paper.Model "model"
            Expect.equal configuration.Training.Optimiser paper.Optimiser "optimiser"
            Expect.equal configuration.Training.Sequences 500L "the budget stays")
        testCase "later lines change what a preset gave" (fun () ->
            let configuration = experiment "paper" {
                preset "ntm/copy/paper"
                task (CopyTask(Bits = 3))
                training (TrainingOptions(Optimiser = AdamOptions()))
            }

            Expect.equal configuration.Task (CopyTask(Bits = 3)) "task"
            Expect.equal configuration.Model (Preset.Find "ntm/copy/paper").Model "model"
            Expect.equal configuration.Training.Optimiser (AdamOptions()) "optimiser")
        testCase "an unknown preset suggests the nearest" (fun () ->
            let said = sentence (fun () -> experiment "paper" { preset "ntm/copy/papre" })
            Expect.stringContains said "did you mean 'ntm/copy/paper'?" "the nearest")
        testCase "a block without a task says what to add" (fun () ->
            let said = sentence (fun () -> experiment "half" { model (NtmOptions()) })
            Expect.stringContains said "no task is given" "what is missing"
            Expect.stringContains said "CopyTask()" "an example")
        testCase "a block without a model says what to add" (fun () ->
            let said = sentence (fun () -> experiment "half" { task (CopyTask()) })
            Expect.stringContains said "no model is given" "what is missing")
        testCase "the README shows the copy experiment as it is, and it has fewer than 25 lines" (fun () ->
            let script = File.ReadAllText(Path.Combine(root, "experiments", "copy.fsx"))
            Expect.stringContains (File.ReadAllText(Path.Combine(root, "README.md"))) script "README"
            Expect.isLessThan (script.Split '\n').Length 26 "lines, the last newline counted")
    ]
