module NtmLab.Tests.Cli.CommandLineTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json
open Expecto
open NtmLab.Tests
open NtmLab.Tests.Cli.CommandLine

/// A request that is refused: the exit code, and what the one sentence must say.
let private refused (name: string) (code: int) (said: string list) (arguments: string list) : Test =
    testCase name (fun () ->
        let outcome = run arguments
        Expect.equal outcome.Code code outcome.Errors
        Expect.equal outcome.Output "" "standard output"

        for text in said do
            Expect.stringContains outcome.Errors text "the sentence"

        Expect.isFalse (outcome.Errors.Contains "   at ") "no stack trace")

let private script (text: string) (test: string -> unit) : unit =
    within (fun folder ->
        let file = Path.Combine(folder, "script.fsx")
        File.WriteAllText(file, text)
        test file)

let tests =
    testSequenced
    <| testList "ntmlab" [
        refused "an unknown command suggests the nearest" 2 [ "'rum'"; "did you mean 'run'" ] [ "rum" ]
        refused "an unknown option is named" 2 [ "--bogus" ] [ "run"; copy; "--bogus"; "3" ]
        refused "a missing script is named" 2 [ "nowhere.fsx" ] [ "run"; "nowhere.fsx" ]
        refused "an unknown key suggests the nearest" 2 [ "model.slotz"; "model.slots" ] [
            "run"
            copy
            "--set"
            "model.slotz=3"
        ]
        refused "length 0 is refused" 2 [ "task.minLength"; "0" ] [ "run"; copy; "--set"; "task.minLength=0" ]
        refused "no slots are refused" 2 [ "model.slots"; "0" ] [ "run"; copy; "--set"; "model.slots=0" ]
        refused "an even shift width is refused" 2 [ "model.shiftWidth"; "odd" ] [
            "run"
            copy
            "--set"
            "model.shiftWidth=4"
        ]
        refused "an unknown device is refused with the known ones" 2 [ "cpu or cuda" ] [
            "run"
            copy
            "--device"
            "tpu"
        ]
        refused "an unknown run is named" 2 [ "'nothing-here'" ] [ "resume"; "nothing-here" ]
        testCase "a script that does not compile gives file, line and message" (fun () ->
            script "let a = 1\nlet b: string = a\n" (fun file ->
                let outcome = run [ "run"; file ]
                Expect.equal outcome.Code 2 "exit code"
                Expect.stringContains outcome.Errors "script.fsx(2," "place"
                Expect.stringContains outcome.Errors "error FS0001" "message"))
        testCase "a script that fails gives its message without a stack trace" (fun () ->
            script "failwith \"the experiment is out of ink\"" (fun file ->
                let outcome = run [ "run"; file ]
                Expect.equal outcome.Code 1 "exit code"
                Expect.stringContains outcome.Errors "out of ink" "message"
                Expect.isFalse (outcome.Errors.Contains "   at ") "no stack trace"))
        testCase "a run folder that cannot be made is named, with the option that chooses another" (fun () ->
            within (fun folder ->
                let file = Path.Combine(folder, "file")
                File.WriteAllText(file, "")
                let outcome = run [ "run"; copy; "--runs"; Path.Combine(file, "runs") ]
                Expect.equal outcome.Code 1 "exit code"
                Expect.stringContains outcome.Errors "--runs" "sentence"))
        testCase "run --json prints one document with what the contract names" (fun () ->
            within (fun folder ->
                let outcome = run (small folder @ [ "--json"; "--seed"; "7" ])
                Expect.equal outcome.Code 0 outcome.Errors
                use document = JsonDocument.Parse outcome.Output

                for name in
                    [
                        "run"
                        "directory"
                        "task"
                        "model"
                        "seed"
                        "engine"
                        "sequences"
                        "seconds"
                        "solved"
                        "solvedAtSequences"
                        "solvedAtSeconds"
                    ] do
                    Expect.isTrue (fst (document.RootElement.TryGetProperty name)) name

                let first = document.RootElement.GetProperty("evaluation")[0]
                Expect.equal (first.GetProperty("length").GetInt32()) 3 "length"
                Expect.isTrue (fst (first.TryGetProperty "wrongBits")) "wrongBits"
                Expect.isTrue (fst (first.TryGetProperty "perfectFraction")) "perfectFraction"
                let pictures = Directory.GetFiles(Path.Combine(firstRun folder, "pictures"))
                Expect.isGreaterThanOrEqual pictures.Length 8 "pictures"))
        testCase
            "a script of several experiments runs them all and compares them, diverged ones with the rest"
            (fun () ->
                let text =
                    $"""
#load "{Path.Combine(root, "experiments", "prelude.fsx")}"
open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

[
    for name, options, rate in
        [
            "small-rnn", (RnnOptions(Units = 4) :> ModelOptions), 1e-3
            "small-lstm", LstmOptions(Units = 4), 1e30
            "small-gru", GruOptions(Units = 4), 1e-3
        ] do
        experiment name {{
            task (CopyTask(Bits = 2, MaxLength = 2))
            model options
            training (TrainingOptions(Sequences = 64L, Batch = 8, Optimiser = RmsPropOptions(LearningRate = rate)))
            evaluation (EvaluationOptions(Lengths = [ 2 ], Sequences = 4))
        }}
]
|> Experiment.runAll
"""

                script text (fun file ->
                    within (fun runs ->
                        let outcome = run [ "run"; file; "--runs"; runs; "--json" ]
                        Expect.equal outcome.Code 0 outcome.Errors
                        use document = JsonDocument.Parse outcome.Output

                        let found = [
                            for run in document.RootElement.GetProperty("runs").EnumerateArray() ->
                                run.GetProperty("model").GetString(), run.GetProperty("status").GetString()
                        ]

                        Expect.equal
                            found
                            [ "rnn", "finished"; "lstm", "failed"; "gru", "finished" ]
                            "one record each"

                        let gru =
                            Directory.GetDirectories runs |> Array.find (fun run -> run.Contains "gru")

                        let resumed = run [ "resume"; gru; "--json" ]
                        Expect.equal resumed.Code 0 resumed.Errors
                        use document = JsonDocument.Parse resumed.Output

                        Expect.equal
                            (document.RootElement.GetProperty("model").GetString())
                            "gru"
                            "that one alone")))
        testCase "a study makes each run once, and makes the one that is missing" (fun () ->
            let text =
                $"""
#load "{Path.Combine(root, "experiments", "prelude.fsx")}"
open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

[
    for units in [ 3; 4 ] do
        experiment $"units-{{units}}" {{
            task (CopyTask(Bits = 2, MaxLength = 2))
            model (RnnOptions(Units = units))
            training (TrainingOptions(Sequences = 64L, Batch = 8))
            evaluation (EvaluationOptions(Lengths = [ 2 ], Sequences = 4))
        }}
]
|> Study.run
"""

            script text (fun file ->
                within (fun runs ->
                    let study () =
                        let outcome = run [ "run"; file; "--runs"; runs; "--json" ]
                        Expect.equal outcome.Code 0 outcome.Errors
                        use document = JsonDocument.Parse outcome.Output

                        [
                            for run in document.RootElement.GetProperty("runs").EnumerateArray() ->
                                run.GetProperty("directory").GetString() |> nonNull, run.GetRawText()
                        ]

                    let first = study ()
                    Expect.equal (study ()) first "nothing is made anew"
                    let missing = fst first[1]
                    Directory.Delete(missing, true)
                    let again = study ()
                    Expect.equal again[0] first[0] "what was there is as it was"
                    Expect.equal (fst again[1]) missing "what was missing is made"
                    Expect.equal (Directory.GetDirectories runs).Length 2 "and nothing else")))
        for experiment in [ "my-task"; "my_policy"; "own-data" ] do
            testCase $"{experiment} trains with what its script brings along" (fun () ->
                within (fun folder ->
                    let outcome =
                        run [
                            "run"
                            $"experiments/{experiment}.fsx"
                            "--runs"
                            folder
                            for change in
                                [
                                    "training.sequences=64"
                                    "evaluation.lengths=5"
                                    "evaluation.sequences=4"
                                    "training.evaluateEvery=64"
                                ] do
                                "--set"
                                change
                        ]

                    Expect.equal outcome.Code 0 outcome.Errors
                    Expect.stringContains outcome.Output "trained 64 sequences" "its outcome"))
        testCase "list --json gives names and summaries" (fun () ->
            for what, known in
                [
                    "models", "hierarchical-attention"
                    "tasks", "copy"
                    "tasks", "needle"
                    "policies", "ntm"
                    "presets", "lstm/copy/paper"
                    "experiments", "copy"
                    "experiments", "needle"
                    "tasks", "table"
                    "experiments", "own-data"
                ] do
                use document = JsonDocument.Parse (run [ "list"; what; "--json" ]).Output

                let names = [
                    for item in document.RootElement.EnumerateArray() -> item.GetProperty("name").GetString()
                ]

                Expect.contains names known what)
        refused "an unknown task suggests the nearest" 2 [ "'copi'"; "did you mean 'copy'?" ] [
            "show-task"
            "copi"
        ]
        refused "an option that is none of a task is refused" 2 [ "model.slots=3"; "'task.'" ] [
            "show-task"
            "copy"
            "--set"
            "model.slots=3"
        ]
        refused "a task's length 0 is refused" 2 [ "task 'copy': length"; "0" ] [
            "show-task"
            "copy"
            "--length"
            "0"
        ]
        testCase "show-task draws in the terminal and as a picture" (fun () ->
            within (fun folder ->
                let picture = Path.Combine(folder, "example.png")
                let outcome = run [ "show-task"; "copy"; "--length"; "3"; "--picture"; picture ]
                Expect.equal outcome.Code 0 outcome.Errors

                for text in
                    [ "delimiter ...█..."; "mask              ....111"; "without memory: 12 wrong bits" ] do
                    Expect.stringContains outcome.Output text "the example"

                Expect.isTrue (File.Exists picture) "the picture"))
        testCase "show-task --json holds the example as numbers" (fun () ->
            use document =
                JsonDocument.Parse((run [ "show-task"; "n-grams"; "--length"; "20"; "--json" ]).Output)

            let root = document.RootElement
            let bits = root.GetProperty("input")[0]
            Expect.equal (bits.GetArrayLength()) 19 "a bit a step"
            Expect.equal (root.GetProperty("mask").GetArrayLength()) 19 "as many places"

            Expect.equal
                (root.GetProperty("baseline").GetProperty("loss").GetDouble())
                15.0
                "15 bits to guess"

            Expect.isLessThan
                (root.GetProperty("optimum").GetProperty("loss").GetDouble())
                15.0
                "the estimator")
        testCase "evaluate scores other lengths and more memory, and leaves the run as it is" (fun () ->
            within (fun folder ->
                Expect.equal (run (small folder)).Code 0 "the run"
                let record = Path.Combine(firstRun folder, "run.json")
                let before = File.ReadAllText record

                let evaluated =
                    run [
                        "evaluate"
                        firstRun folder
                        "--lengths"
                        "2,9"
                        "--sequences"
                        "6"
                        "--set"
                        "model.slots=40"
                        "--json"
                    ]

                Expect.equal evaluated.Code 0 evaluated.Errors
                use document = JsonDocument.Parse evaluated.Output

                let lengths = [
                    for score in document.RootElement.GetProperty("evaluation").EnumerateArray() ->
                        score.GetProperty("length").GetInt32()
                ]

                Expect.equal lengths [ 2; 9 ] "those asked for"
                Expect.equal (File.ReadAllText record) before "the record"
                let named = Path.Combine(folder, "named")
                Expect.equal (run (small named @ [ "--set"; "name=other" ])).Code 0 "a run of another name"

                Expect.equal
                    (run [ "evaluate"; firstRun named; "--lengths"; "2" ]).Code
                    0
                    "is found in its script"

                let other = run [ "evaluate"; firstRun folder; "--set"; "model.width=3" ]
                Expect.equal other.Code 1 other.Errors
                Expect.stringContains other.Errors "another configuration" "a parameter depends on it"
                let bad = run [ "evaluate"; firstRun folder; "--lengths"; "1,x" ]
                Expect.equal bad.Code 2 bad.Errors
                Expect.stringContains bad.Errors "--lengths" "what is accepted"))
        testCase "doctor --json has no failed check here" (fun () ->
            use document = JsonDocument.Parse (run [ "doctor"; "--json" ]).Output

            for check in document.RootElement.EnumerateArray() do
                Expect.notEqual (check.GetProperty("status").GetString()) "failed" (check.ToString()))
        testCase "bench ntm --json holds what the contract names" (fun () ->
            let outcome = run [ "bench"; "ntm"; "--length"; "3"; "--repeats"; "1"; "--json" ]
            Expect.equal outcome.Code 0 outcome.Errors
            use document = JsonDocument.Parse outcome.Output

            for name in
                [
                    "name"
                    "batch"
                    "length"
                    "threads"
                    "fusedMs"
                    "referenceMs"
                    "ratio"
                    "peakBytes"
                    "microsecondsPerStep"
                    "fractionOfPeak"
                ] do
                Expect.isTrue (fst (document.RootElement.TryGetProperty name)) name)
    ]
