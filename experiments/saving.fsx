// Is it wasteful to store every vector, and does a unit that decides what is worth saving do better? Facts are repeated r times with
// noise, then one is asked for: accuracy against the slots that each memory policy used. Trained on 1 to 4 repeats, scored on more.
#load "prelude.fsx"

open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training

type Plan = {
    Seeds: int list
    /// Repeats of each fact that are scored.
    Repeats: int list
    /// Sequences of a training.
    Sequences: int64
    /// Sequences that each number of repeats is scored on.
    Scored: int
}

let plan =
    match Study.budget () with
    | StudyBudget.Smoke -> { Seeds = [ 1 ]; Repeats = [ 1; 4 ]; Sequences = 500L; Scored = 20 }
    | StudyBudget.Quick -> { Seeds = [ 1 ]; Repeats = [ 1; 10; 100 ]; Sequences = 40_000L; Scored = 200 }
    | _ -> {
        Seeds = [ 1..3 ]
        Repeats = [ 1; 3; 10; 30; 100 ]
        Sequences = 100_000L
        Scored = 200
      }

/// One setting of a policy of memory.
type Setting = {
    Policy: string
    /// What is set, in words; empty where nothing is.
    Words: string
    /// Tells its runs from those of the policy's other settings.
    Suffix: string
    Options: MemoryModelOptions
    /// The least budget that tries it.
    From: StudyBudget
}

let controller = feedForward 64
let width = 32

let setting policy suffix words from options = {
    Policy = policy
    Words = words
    Suffix = suffix
    Options = options
    From = from
}

/// A setting that is a number of slots.
let bySlots policy (options: int -> MemoryModelOptions) slots from =
    options slots |> setting policy $"{slots}" $"{slots} slots" from

let fifo =
    bySlots "fifo" (fun slots -> FifoOptions(Controller = controller, Width = width, Slots = slots))

let reservoir =
    bySlots "reservoir" (fun slots -> ReservoirOptions(Controller = controller, Width = width, Slots = slots))

let ntm =
    bySlots "ntm" (fun slots ->
        NtmOptions(
            Controller = controller,
            Width = width,
            Slots = slots,
            InitialSpread = 0.1,
            InitialKeyStrength = 5.0
        ))

let dnc = bySlots "dnc" (fun slots -> DncOptions(Controller = controller, Width = width, Slots = slots))

let lrua =
    bySlots "mann-lrua" (fun slots -> LruaOptions(Controller = controller, Width = width, Slots = slots))

let sparse =
    bySlots "sparse" (fun slots ->
        SparseOptions(Controller = controller, Width = width, Slots = slots, InitialKeyStrength = 5.0))

let keepNovel percent from =
    let threshold = float percent / 100.0

    KeepNovelOptions(Controller = controller, Width = width, Slots = 1024, Threshold = threshold)
    |> setting "keep-novel" $"{percent}" $"threshold {threshold}" from

let surprise percent from =
    let threshold = float percent / 100.0

    SurpriseOptions(Controller = controller, Width = width, Slots = 1024, Threshold = threshold)
    |> setting "surprise" $"{percent}" $"threshold {threshold}" from

let learnedGate thousandths from =
    let price = float thousandths / 1000.0

    LearnedGateOptions(Controller = controller, Width = width, Slots = 1024, Price = price)
    |> setting "learned-gate" $"{thousandths}" $"price {price}" from

let budgeted saves from =
    BudgetedOptions(Controller = controller, Width = width, Slots = saves, Budget = saves, Price = 0.1)
    |> setting "budgeted" $"{saves}" $"{saves} saves, price 0.1" from

let settings =
    [
        KeepAllOptions(Controller = controller, Width = width)
        |> setting "keep-all" "" "" StudyBudget.Smoke

        fifo 8 StudyBudget.Full
        fifo 64 StudyBudget.Quick
        reservoir 8 StudyBudget.Full
        reservoir 16 StudyBudget.Quick
        reservoir 32 StudyBudget.Smoke
        keepNovel 50 StudyBudget.Full
        keepNovel 80 StudyBudget.Smoke
        keepNovel 95 StudyBudget.Full
        surprise 100 StudyBudget.Quick
        surprise 200 StudyBudget.Full
        learnedGate 30 StudyBudget.Full
        learnedGate 100 StudyBudget.Quick
        learnedGate 300 StudyBudget.Full
        budgeted 6 StudyBudget.Full
        budgeted 12 StudyBudget.Quick
        ntm 8 StudyBudget.Full
        ntm 32 StudyBudget.Quick
        dnc 8 StudyBudget.Full
        dnc 32 StudyBudget.Quick
        lrua 32 StudyBudget.Quick
        sparse 8 StudyBudget.Full
        sparse 32 StudyBudget.Quick
    ]
    |> List.filter (fun setting -> setting.From <= Study.budget ())

let policies = settings |> List.map _.Policy |> List.distinct
let nameOf (order: RepeatOrder) : string = (string order).ToLowerInvariant()
let orders = [ RepeatOrder.Blocks; RepeatOrder.Shuffled ]

let cell (order: RepeatOrder) (setting: Setting) (number: int) =
    let name =
        [ "saving"; setting.Policy; setting.Suffix; nameOf order ]
        |> List.filter ((<>) "")
        |> String.concat "-"

    experiment name {
        summary "Which memory policy recalls repeated facts with the fewest slots?"
        seed number
        task (RedundantNeedleTask(Facts = 4, MinRepeats = 1, MaxRepeats = 4, Noise = 0.1, Order = order))
        model setting.Options

        training (
            TrainingOptions(
                Sequences = plan.Sequences,
                Batch = 32,
                Optimiser = AdamOptions(LearningRate = 2e-3),
                Schedule = CosineSchedule(WarmUp = plan.Sequences / 100L, Final = 0.2),
                ClipNorm = 1.0,
                PriceWarmUp = plan.Sequences / 2L,
                Solved = SolvedOptions(Score = 0.0, Window = 5_000),
                EvaluateEvery = 50_000L,
                CheckpointEvery = 50_000L
            )
        )

        evaluation (
            EvaluationOptions(Lengths = plan.Repeats, Sequences = plan.Scored, SequencesWhileTraining = 20)
        )
    }

let cells = [
    for order in orders do
        for setting in settings do
            for number in plan.Seeds -> (order, setting), cell order setting number
]

let runs =
    cells
    |> List.map snd
    |> Study.step
    |> List.map fst
    |> List.zip (List.map fst cells)

/// Accuracies and slots used of a setting, over its seeds. A policy that does not count its slots uses all that it has.
let choice (repeats: int) (order: RepeatOrder) (setting: Setting) : TradeOff.Choice =
    let scores = [
        for key, record in runs do
            if key = (order, setting) then
                for score in record.Evaluation do
                    if score.Length = repeats then
                        score
    ]

    {
        Way = setting.Policy
        Costs = [
            for score in scores ->
                Option.defaultValue (float setting.Options.Slots) (Option.ofNullable score.SlotsUsed)
        ]
        Gains = [ for score in scores -> 1.0 - score.Score ]
    }

let most = List.last plan.Repeats

TradeOff.draw
    "slots used"
    "accuracy"
    ("no memory", 1.0 / 256.0)
    [
        for order in orders ->
            {
                Heading = $"each fact {most} times, {nameOf order}"
                Choices = List.map (choice most order) settings
            }
    ]
    (Report.figure "saving")

let slots (choice: TradeOff.Choice) = Statistics.median choice.Costs
let accuracy (choice: TradeOff.Choice) = Statistics.median choice.Gains

let choices (order: RepeatOrder) (policy: string) : TradeOff.Choice list =
    settings
    |> List.filter (fun setting -> setting.Policy = policy)
    |> List.map (choice most order)

let keepingAll order = choices order "keep-all" |> List.head
let enough order (choice: TradeOff.Choice) = accuracy choice >= accuracy (keepingAll order) - 0.01

/// Nothing is compared with what was not learned.
let learned = orders |> List.forall (fun order -> accuracy (keepingAll order) >= 0.9)

/// The setting of a policy with the fewest slots of those that are accurate enough; if none is, the most accurate.
let best (order: RepeatOrder) (policy: string) : TradeOff.Choice =
    match choices order policy |> List.filter (enough order) with
    | [] -> choices order policy |> List.maxBy accuracy
    | accurate -> accurate |> List.minBy slots

/// The fewest slots with which some policies come within a hundredth of keeping all; infinite if none does.
let fewest (among: string list) (order: RepeatOrder) : float =
    among
    |> List.filter (fun policy -> List.contains policy policies)
    |> List.collect (choices order)
    |> List.filter (enough order)
    |> List.map slots
    |> List.fold min infinity

let deciding = fewest [ "keep-novel"; "surprise"; "learned-gate"; "budgeted" ]
let blind = fewest [ "reservoir"; "fifo" ]
let all = orders |> List.averageBy (fun order -> slots (keepingAll order))

let invariant = System.Globalization.CultureInfo.InvariantCulture
let figure (value: float) (digits: string) = value.ToString(digits, invariant)

let words (slots: float) =
    if System.Double.IsInfinity slots then
        "no number of"
    else
        figure slots "G3"

let table name caption firsts rows columns : Report.Table = {
    Name = name
    Caption = caption
    Headings = firsts @ List.map fst columns
    Rows = [ for first, key in rows -> first @ [ for _, text in columns -> text key ] ]
}

Report.publish {
    Name = "saving"
    Numbers = [
        "repeats", string most
        "seeds", string plan.Seeds.Length
        "all", words all
        for order in orders do
            $"deciding-{nameOf order}", words (deciding order)
            $"blind-{nameOf order}", words (blind order)
    ]
    Figures = [
        {
            Name = "saving"
            Caption =
                $"Accuracy against slots used, for policies of memory, when each of four facts was repeated {most} times with noise: medians over the seeds ({plan.Seeds.Length}), with bars from the least to the greatest."
        }
    ]
    Tables = [
        let caption =
            "Accuracy and slots used, by policy: its setting with the fewest slots within a hundredth of keeping all, or, where none is, the most accurate."

        table "saving" caption [ "policy" ] [ for policy in policies -> [ policy ], policy ] [
            for order in orders do
                $"accuracy, {nameOf order}", (fun policy -> figure (accuracy (best order policy)) "F3")
                "slots", (fun policy -> figure (slots (best order policy)) "0.#")
        ]

        for order in orders do
            let caption =
                $"Accuracy, and in brackets slots used, by how often each fact was repeated: {nameOf order}."

            table $"saving-{nameOf order}" caption [ "policy"; "setting" ] [
                for setting in settings -> [ setting.Policy; setting.Words ], setting
            ] [
                for repeats in plan.Repeats ->
                    $"{repeats} times",
                    fun setting ->
                        let choice = choice repeats order setting
                        $"""{figure (accuracy choice) "F3"} ({figure (slots choice) "0.#"})"""
            ]
    ]
    Claims = [
        {
            Place = 70
            Claim = "To store every vector is wasteful; a further unit should decide what is worth saving."
            Verdict =
                let better = orders |> List.filter (fun order -> deciding order < blind order / 2.0)

                if not learned then
                    Report.Verdict.Open
                elif better.Length = orders.Length then
                    Report.Verdict.Holds
                elif better.IsEmpty && orders |> List.forall (fun order -> blind order > all / 2.0) then
                    Report.Verdict.Refuted
                else
                    Report.Verdict.HoldsInPart
            Evidence =
                let told =
                    orders
                    |> List.map (fun order ->
                        $"{nameOf order}: {words (deciding order)} slots with a policy that decides, {words (blind order)} with one that does not")
                    |> String.concat "; "

                if learned then
                    $"within a hundredth of the accuracy of keeping all, which takes {words all} slots: {told}"
                else
                    "keeping all, which the others are held against, was not learned within this budget"
        }
    ]
}
