// How far does a Neural Turing Machine copy that was trained on 1 to 20 vectors? Two controllers, five seeds each, trained alike but
// for what each way changes, and scored on up to 10 000 vectors (20 001 steps). docs/ntm.md says what breaks first. The full budget
// takes hours on one core, nearly all of it the longest sequences.
#load "prelude.fsx"

open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training

type Plan = {
    Seeds: int list
    Lengths: int list
    Controllers: (string * ControllerOptions) list
    Ways: string list
    /// Sequences of a training.
    Sequences: int64
    /// Sequences that each length is scored on.
    Scored: int
}

let plan =
    match Study.budget () with
    | StudyBudget.Smoke -> {
        Seeds = [ 1 ]
        Lengths = [ 20; 50 ]
        Controllers = [ "lstm", lstm 20; "feed-forward", feedForward 20 ]
        Ways = [ "plain"; "room"; "tight" ]
        Sequences = 400L
        Scored = 5
      }
    | StudyBudget.Quick -> {
        Seeds = [ 1..3 ]
        Lengths = [ 50; 120; 500; 1_000 ]
        Controllers = [ "lstm", lstm 100; "feed-forward", feedForward 100 ]
        Ways = [ "plain"; "room"; "tight" ]
        Sequences = 20_000L
        Scored = 5
      }
    | _ -> {
        Seeds = [ 1..5 ]
        Lengths = [ 50; 120; 500; 1_000; 2_000; 5_000; 10_000 ]
        Controllers = [ "lstm", lstm 100; "feed-forward", feedForward 100 ]
        Ways = [ "plain"; "room"; "tight"; "priced" ]
        Sequences = 60_000L
        Scored = 10
      }

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

let ways =
    [
        plain
        { plain with Name = "room"; SlotsPerStep = 1.05 }
        { plain with Name = "tight"; Slots = 24 }
        { plain with Name = "priced"; WritePrice = 0.1; Discretise = true }
    ]
    |> List.filter (fun way -> List.contains way.Name plan.Ways)

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
                Sequences = plan.Sequences,
                Batch = 8,
                Optimiser = RmsPropOptions(LearningRate = 1e-3),
                Schedule = CosineSchedule(Final = 0.05),
                PriceWarmUp = plan.Sequences / 3L,
                Solved = SolvedOptions(Score = 0.0, Window = 5_000, Continue = plan.Sequences),
                // Scored at its end only: the longest sequences take longer than the training.
                EvaluateEvery = 1_000_000L,
                CheckpointEvery = 20_000L
            )
        )

        evaluation (
            EvaluationOptions(
                Lengths = plan.Lengths,
                Sequences = plan.Scored,
                SlotsPerStep = way.SlotsPerStep
            )
        )
    }

let cells = [
    for controller in plan.Controllers do
        for way in ways do
            for number in plan.Seeds -> (fst controller, way.Name), cell controller way number
]

let runs =
    cells
    |> List.map snd
    |> Study.step
    |> List.map fst
    |> List.zip (List.map fst cells)

let longest = List.last plan.Lengths

let scores (controller: string) (way: string) (length: int) : LengthScore list = [
    for key, record in runs do
        if key = (controller, way) then
            for score in record.Evaluation do
                if score.Length = length then
                    score
]

/// Seeds without a wrong bit in any sequence of a length.
let perfect (controller: string) (way: string) (length: int) : int =
    scores controller way length
    |> List.filter (fun score -> score.PerfectFraction = 1.0)
    |> List.length

let median (controller: string) (way: string) (length: int) : float =
    scores controller way length |> List.map _.Score |> Statistics.median

let controllers = List.map fst plan.Controllers

let names = [
    for controller in controllers do
        for way in ways -> controller, way.Name
]

let line (controller: string) (way: string) : Lines.Series = {
    Name = way
    Points = [
        for length in plan.Lengths ->
            // The share of bits that are wrong, of 8 a vector.
            float length, [ for score in scores controller way length -> score.Score / (8.0 * float length) ]
    ]
}

Lines.draw
    {
        XName = "vectors copied"
        YName = "share of wrong bits"
        Scale = Lines.ByFactors 1e-6
        Reference = Some("guessing", 0.5)
        Panels = [
            for controller in controllers ->
                {
                    Heading = $"{controller} controller"
                    Series = [ for way in ways -> line controller way.Name ]
                }
        ]
        Columns = controllers.Length
        Panel = 420, 270
    }
    (Report.figure "generalisation")

let figure (value: float) = value.ToString("0.#", System.Globalization.CultureInfo.InvariantCulture)
let best = names |> List.maxBy (fun (controller, way) -> perfect controller way longest)

Report.publish {
    Name = "generalisation"
    Numbers = [
        "longest", string longest
        "steps", string (2 * longest + 1)
        "seeds", string plan.Seeds.Length
        "scored", string plan.Scored
        for controller, way in names do
            $"perfect-{controller}-{way}", string (perfect controller way longest)
            $"median-{controller}-{way}", figure (median controller way longest)
    ]
    Figures = [
        {
            Name = "generalisation"
            Caption =
                $"Copying far more vectors than the 1 to 20 of the training: each of {plan.Seeds.Length} seeds, and lines through their medians."
        }
    ]
    Tables = [
        {
            Name = "generalisation"
            Caption =
                $"Wrong bits of a sequence of so many vectors, median of {plan.Seeds.Length} seeds, and in brackets how many seeds have none in any of {plan.Scored} sequences."
            Headings = [
                "controller, way"
                for length in plan.Lengths do
                    $"{length}"
            ]
            Rows = [
                for controller, way in names ->
                    [
                        $"{controller}, {way}"
                        for length in plan.Lengths do
                            $"{figure (median controller way length)} ({perfect controller way length})"
                    ]
            ]
        }
    ]
    Claims = [
        {
            Place = 35
            Claim = "A Neural Turing Machine carries what it learned on short sequences to 10 000 vectors."
            Verdict =
                if longest < 10_000 then
                    Report.Verdict.Open
                else
                    match perfect "lstm" "plain" longest, perfect (fst best) (snd best) longest with
                    | plain, _ when plain >= 3 -> Report.Verdict.Holds
                    | _, most when most >= 3 -> Report.Verdict.HoldsInPart
                    | _ -> Report.Verdict.Refuted
            Evidence =
                let controller, way = best
                let most = perfect controller way longest
                let name, _ = plan.Controllers.Head
                let plainly = perfect name "plain" longest

                $"trained on 1 to 20 vectors, of {plan.Seeds.Length} seeds {plainly} copy {longest} vectors without a wrong bit as usual ({name} controller), and {most} in the best way ({controller} controller, {way})"
        }
    ]
}
