module NtmLab.Tests.Cli.MemoryCommandTests

open System.IO
open System.Text.Json
open Expecto
open NtmLab.Tests
open NtmLab.Tests.Cli.CommandLine

/// A copy run of a moment with the given model.
let private copied (runs: string) (name: string) (changes: string list) : string =
    let outcome =
        run [
            "run"
            "experiments/copy.fsx"
            "--runs"
            runs
            for change in
                [
                    $"name={name}"
                    "training.sequences=16"
                    "evaluation.lengths=3"
                    "evaluation.sequences=4"
                    "task.maxLength=6"
                ]
                @ changes do
                "--set"
                change
        ]

    Expect.equal outcome.Code 0 outcome.Errors
    $"{name}-seed1-001"

let private refused (code: int) (words: string list) (arguments: string list) : unit =
    let outcome = run arguments
    Expect.equal outcome.Code code outcome.Errors
    Expect.equal outcome.Output "" "standard output"

    for word in words do
        Expect.stringContains outcome.Errors word "the sentence"

let private score (outcome: Outcome) : float =
    Expect.equal outcome.Code 0 outcome.Errors
    use document = JsonDocument.Parse outcome.Output
    let first = document.RootElement.GetProperty("evaluation")[0]
    first.GetProperty("wrongBits").GetDouble()

/// What two processes share: parameters from a seed, facts and questions.
let private script (memory: string) : string =
    $"""
#load "{Path.Combine(root, "experiments", "prelude.fsx")}"
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open TorchSharp

Machine.prepare (ComputeOptions(Threads = 1)) |> ignore
let model = KeepAllOptions(Controller = feedForward 6, Width = 4).Build(2, 2, RandomStream(1UL, "model"))
let sequence (seed: uint64) steps =
    let random = RandomStream(seed, "sequence")
    torch.tensor([| for _ in 1 .. 2 * steps -> float32 (random.NextUniform(-1.0, 1.0)) |], 1L, int64 steps, 2L)
let facts, questions = sequence 1UL 9, sequence 2UL 3
use noGradient = torch.no_grad ()
let show (answers: torch.Tensor) =
    printfn "%%s" (System.Convert.ToHexString(answers.contiguous().bytes.ToArray()))

if System.IO.File.Exists "{memory}" then
    Memory.load "{memory}" model
    show (model.Forward questions)
else
    let struct (_, state) = model.Run(facts, model.InitialState 1L)
    Memory.save "{memory}" 9 model state
    let struct (answers, _) = model.Run(torch.cat([| facts; questions |], 1L), model.InitialState 1L)
    show (answers.narrow(1L, 9L, 3L))
"""

let tests =
    testSequenced
    <| testList "ntmlab, memories" [
        testCase "a run keeps its memory, shows it slot by slot, and another starts from it" (fun () ->
            use folder = new Scratch.Folder()
            let runs = folder.Path
            let narrow = copied runs "few" [ "model.slots=16"; "model.width=5" ]
            let more = copied runs "more" [ "model.slots=20"; "model.width=5" ]
            let picture = Path.Combine(runs, narrow, "pictures", "memory.png")
            Expect.isTrue (File.Exists picture) "the picture"

            let shown = run [ "show"; narrow; "--runs"; runs; "--memory" ]
            Expect.equal shown.Code 0 shown.Errors

            for text in
                [
                    narrow
                    "policy 'ntm'"
                    "length 6"
                    "of 16 slots"
                    "change"
                    "cosine"
                    "5 values"
                    picture
                ] do
                Expect.stringContains shown.Output text "the table"

            let json = run [ "show"; narrow; "--runs"; runs; "--memory"; "--json" ]
            use document = JsonDocument.Parse json.Output
            let memory = document.RootElement
            let slots = memory.GetProperty("memory")
            Expect.equal (slots.GetArrayLength()) 16 "all slots"
            let values = slots[3].GetProperty("values")
            Expect.equal (values.GetArrayLength()) 5 "all values"
            let weighting = memory.GetProperty("policyState").GetProperty("readWeighting")
            Expect.equal (weighting.GetProperty("values").GetArrayLength()) 16 "the policy's state"

            let evaluate = [ "evaluate"; more; "--runs"; runs; "--sequences"; "40"; "--json" ]
            let blank = score (run evaluate)
            let filled = score (run (evaluate @ [ "--memory"; narrow ]))
            let file = Path.Combine(runs, narrow, "memory", "example.memory")
            Expect.notEqual filled blank "another memory, another score"
            Expect.equal (score (run (evaluate @ [ "--memory"; file ]))) filled "by its path, too"

            refused
                2
                [ "--memory"; "neither a file nor a run 'feww"; "did you mean" ]
                (evaluate @ [ "--memory"; "feww-seed1-001" ])

            refused 1 [ "20 slots"; "model.slots=20" ] [
                "evaluate"
                narrow
                "--runs"
                runs
                "--memory"
                more
            ]

            File.WriteAllBytes(file, (File.ReadAllBytes file)[..500])
            refused 1 [ "truncated" ] (evaluate @ [ "--memory"; narrow ])
            refused 1 [ "truncated" ] [ "show"; narrow; "--runs"; runs; "--memory" ]
            File.Delete file
            refused 1 [ narrow; "keeps no memory"; "4 MiB" ] [ "show"; narrow; "--runs"; runs; "--memory" ]

            let other = copied runs "other" [ "model.kind=lstm" ]
            refused 1 [ other; "keeps no memory" ] [ "show"; other; "--runs"; runs; "--memory" ]
            let kept = Path.Combine(runs, more, "memory", "example.memory")
            refused 2 [ "model 'lstm'"; "no memory" ] [ "evaluate"; other; "--runs"; runs; "--memory"; kept ])

        testCase "a memory that is too large is not kept, and the run says so" (fun () ->
            use folder = new Scratch.Folder()

            let outcome =
                run [
                    "run"
                    "experiments/copy.fsx"
                    "--runs"
                    folder.Path
                    for change in
                        [
                            "training.sequences=8"
                            "evaluation.lengths=1"
                            "evaluation.sequences=1"
                            "task.maxLength=1"
                            "model.slots=60000"
                        ] do
                        "--set"
                        change
                ]

            Expect.equal outcome.Code 0 outcome.Errors
            Expect.stringContains outcome.Errors "the memory is not kept" "it says so"
            let run = Directory.GetDirectories(folder.Path)[0]
            Expect.isFalse (Directory.Exists(Path.Combine(run, "memory"))) "nothing is there")

        testCase "what one process was shown, another answers with the same bits" (fun () ->
            use folder = new Scratch.Folder()
            let file = folder.File "script.fsx"
            File.WriteAllText(file, script (folder.File "facts.memory"))
            let first = run [ "run"; file ]
            Expect.equal first.Code 0 first.Errors
            let second = run [ "run"; file ]
            Expect.equal second.Code 0 second.Errors
            Expect.isNonEmpty (first.Output.Trim()) "an answer"
            Expect.equal second.Output first.Output "the same answer")
    ]
