// How far does a Neural Turing Machine copy that was trained on 1 to 20 vectors? Two controllers, five seeds each, trained alike but
// for what each way changes, and scored on up to 10 000 vectors (20 001 steps). docs/ntm.md says what breaks first. The whole study
// takes hours on one core, nearly all of it the longest sequences; `--only NAME` makes one run of it.
#load "prelude.fsx"

open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training

let seeds = [ 1..5 ]
let lengths = [ 50; 120; 500; 1_000; 2_000; 5_000; 10_000 ]
let controllers = [ "lstm", lstm 100; "feed-forward", feedForward 100 ]

type Way = {
    Name: string
    /// Slots in training.
    Slots: int
    /// In evaluation; 0.55 is 1.1 for each vector.
    SlotsPerStep: float
    WritePrice: float
    Discretise: bool
}

let plain = {
    Name = "plain"
    Slots = 128
    SlotsPerStep = 0.55
    WritePrice = 0.0
    Discretise = false
}

let ways = [
    plain
    { plain with Name = "room"; SlotsPerStep = 1.05 }
    { plain with Name = "tight"; Slots = 24 }
    { plain with Name = "priced"; WritePrice = 0.1; Discretise = true }
]

let cell (controller: string, options: ControllerOptions) (way: Way) (number: int) =
    experiment $"{controller}-{way.Name}-{number}" {
        summary "How far does what was learned on 20 vectors carry?"
        seed number
        task (CopyTask(Bits = 8, MinLength = 1, MaxLength = 20))

        model (
            NtmOptions(
                Controller = options,
                Slots = way.Slots,
                Width = 20,
                WritePrice = way.WritePrice,
                Discretise = way.Discretise
            )
        )

        training (
            TrainingOptions(
                Sequences = 60_000L,
                Batch = 8,
                Optimiser = RmsPropOptions(LearningRate = 1e-3),
                Schedule = CosineSchedule(Final = 0.05),
                PriceWarmUp = 20_000L,
                Solved = SolvedOptions(Score = 0.0, Window = 5_000, Continue = 60_000L),
                // Scored at its end only: the longest sequences take longer than the training.
                EvaluateEvery = 1_000_000L,
                CheckpointEvery = 20_000L
            )
        )

        evaluation (EvaluationOptions(Lengths = lengths, Sequences = 10, SlotsPerStep = way.SlotsPerStep))
    }

let cells = [
    for controller in controllers do
        for way in ways do
            for number in seeds -> (fst controller, way.Name, number), cell controller way number
]

let records = cells |> List.map snd |> Study.run

/// A row for each seed: wrong bits of a sequence, and how many sequences in a hundred have none.
let print () =
    for controller, _ in controllers do
        for way in ways do
            eprintfn $"{controller}, {way.Name}: wrong bits (%% of sequences without any)"
            eprintfn $"""seed {lengths |> List.map (sprintf "%16d") |> String.concat ""}"""

            for (key, _), record in List.zip cells records do
                match key with
                | name, wayName, number when name = controller && wayName = way.Name ->
                    let scores =
                        record.Evaluation
                        |> Seq.map (fun score ->
                            $"{score.Score, 10:F2} ({100.0 * score.PerfectFraction, 3:F0})")
                        |> String.concat ""

                    eprintfn $"{number, 4} {scores}"
                | _ -> ()

if records.Length = cells.Length then
    print ()
