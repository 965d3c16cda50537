// What is worth keeping? Facts are repeated r times with noise, then one is asked for: accuracy against the slots that each
// memory policy used. Trained on 1 to 4 repeats, scored on up to 100. Stopped studies go on; the same command in a second
// terminal shares the work.
#load "prelude.fsx"

open System.IO
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training

let seeds = [ 1..3 ]
let repeats = [ 1; 3; 10; 30; 100 ]
let controller = feedForward 64
let width = 32

/// Policies, each at several settings.
let ways: (string * (string * ModelOptions) list) list = [
    "keep-all", [ "", KeepAllOptions(Controller = controller, Width = width) ]
    "fifo",
    [
        for slots in [ 8; 64 ] ->
            $"{slots}", FifoOptions(Controller = controller, Width = width, Slots = slots)
    ]
    "reservoir",
    [
        for slots in [ 8; 16; 32 ] ->
            $"{slots}", ReservoirOptions(Controller = controller, Width = width, Slots = slots)
    ]
    "keep-novel",
    [
        for percent in [ 50; 80; 95 ] ->
            let threshold = float percent / 100.0

            $"{percent}",
            KeepNovelOptions(Controller = controller, Width = width, Slots = 1024, Threshold = threshold)
    ]
    "surprise",
    [
        for percent in [ 100; 200 ] ->
            let threshold = float percent / 100.0

            $"{percent}",
            SurpriseOptions(Controller = controller, Width = width, Slots = 1024, Threshold = threshold)
    ]
    "learned-gate",
    [
        for thousandths in [ 30; 100; 300 ] ->
            let price = float thousandths / 1000.0

            $"{thousandths}",
            LearnedGateOptions(Controller = controller, Width = width, Slots = 1024, Price = price)
    ]
    "budgeted",
    [
        for budget in [ 6; 12 ] ->
            $"{budget}",
            BudgetedOptions(
                Controller = controller,
                Width = width,
                Slots = budget,
                Budget = budget,
                Price = 0.1
            )
    ]
    "ntm",
    [
        for slots in [ 8; 32 ] ->
            $"{slots}",
            NtmOptions(
                Controller = controller,
                Width = width,
                Slots = slots,
                InitialSpread = 0.1,
                InitialKeyStrength = 5.0
            )
    ]
    "dnc",
    [
        for slots in [ 8; 32 ] ->
            $"{slots}", DncOptions(Controller = controller, Width = width, Slots = slots)
    ]
    "mann-lrua", [ "32", LruaOptions(Controller = controller, Width = width, Slots = 32) ]
    "sparse",
    [
        for slots in [ 8; 32 ] ->
            $"{slots}",
            SparseOptions(Controller = controller, Width = width, Slots = slots, InitialKeyStrength = 5.0)
    ]
]

let orders = [ RepeatOrder.Blocks; RepeatOrder.Shuffled ]

let cell (order: RepeatOrder) (way: string) (setting: string) (options: ModelOptions) (number: int) =
    let parts = [ way; setting; (string order).ToLowerInvariant() ]
    let name = parts |> List.filter ((<>) "") |> String.concat "-"

    experiment name {
        summary "Which memory policy recalls repeated facts with the fewest slots?"
        seed number
        task (RedundantNeedleTask(Facts = 4, MinRepeats = 1, MaxRepeats = 4, Noise = 0.1, Order = order))
        model options

        training (
            TrainingOptions(
                Sequences = 100_000L,
                Batch = 32,
                Optimiser = AdamOptions(LearningRate = 2e-3),
                Schedule = CosineSchedule(WarmUp = 1_000L, Final = 0.2),
                ClipNorm = 1.0,
                PriceWarmUp = 50_000L,
                Solved = SolvedOptions(Score = 0.0, Window = 5_000),
                EvaluateEvery = 50_000L,
                CheckpointEvery = 50_000L
            )
        )

        evaluation (EvaluationOptions(Lengths = repeats, Sequences = 200, SequencesWhileTraining = 20))
    }

let cells = [
    for order in orders do
        for way, settings in ways do
            for setting, options in settings do
                for number in seeds -> (order, way, setting), cell order way setting options number
]

let records = cells |> List.map snd |> Study.run

/// Slots used and accuracy of one run; a policy that does not count its slots uses all that it has.
let outcome (repeats: int) (options: ModelOptions) (record: RunRecord) : (float * float) option =
    let all =
        match options with
        | :? MemoryModelOptions as memory -> float memory.Slots
        | _ -> nan

    record.Evaluation
    |> Seq.tryFind (fun score -> score.Length = repeats)
    |> Option.map (fun score ->
        Option.defaultValue all (Option.ofNullable score.SlotsUsed), 1.0 - score.Score)

/// One setting of one policy, over its seeds.
let choice order way (setting: string, options: ModelOptions) (repeats: int) : TradeOff.Choice =
    let found =
        List.zip cells records
        |> List.filter (fun ((key, _), _) -> key = (order, way, setting))
        |> List.choose (fun (_, record) -> outcome repeats options record)

    { Way = way; Costs = List.map fst found; Gains = List.map snd found }

let draw () =
    let most = List.last repeats

    let panels: TradeOff.Panel list = [
        for order in orders ->
            {
                Heading = $"each fact {most} times, {(string order).ToLowerInvariant()}"
                Choices = [
                    for way, settings in ways do
                        for setting in settings -> choice order way setting most
                ]
            }
    ]

    let picture = Path.Combine(Session.get().Runs, "what-to-keep")
    TradeOff.draw "slots used" "accuracy" ("no memory", 1.0 / 256.0) panels picture
    eprintfn "drawn as %s.png and .svg" picture

let print () =
    let columns = repeats |> List.map string |> String.concat ", "

    for order in orders do
        eprintfn $"{order}: accuracy (slots used) at {columns} repeats, medians of {seeds.Length} seeds"

        for way, settings in ways do
            for setting in settings do
                let at repeats =
                    let found = choice order way setting repeats
                    $"{Statistics.median found.Gains, 7:F3} ({Statistics.median found.Costs, 5:F1})"

                eprintfn $"""{way, -13}{fst setting, 4} {repeats |> List.map at |> String.concat ""}"""

if records.Length = cells.Length then
    draw ()
    print ()
