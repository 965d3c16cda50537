// Is it wasteful to store every vector, and does a unit that decides what is worth saving do better? The runs of
// what_to_keep.fsx, as they are kept in docs/results: accuracy against slots used, of every memory policy.
#load "prelude.fsx"

open System.IO
open System.Text.Json
open NtmLab

/// One run, as docs/results/what-to-keep.json has it.
type Run = {
    Experiment: string
    Seed: int
    /// Repeats of each fact, accuracy, slots used.
    Scores: (int * float * float) list
}

let source = Path.Combine(__SOURCE_DIRECTORY__, "..", "docs", "results", "what-to-keep.json")

/// A policy that does not count its slots uses all that it has, as its name says.
let slotsOf (id: string) (counted: JsonElement) : float =
    if counted.ValueKind = JsonValueKind.Number then
        counted.GetDouble()
    else
        id.Split '-'
        |> Array.pick (fun word ->
            match System.Int32.TryParse word with
            | true, number -> Some(float number)
            | _ -> None)

let runs: Run list =
    use document = JsonDocument.Parse(File.ReadAllText source)

    [
        for run in document.RootElement.GetProperty("runs").EnumerateArray() do
            let id = string (run.GetProperty("run").GetString())

            {
                Experiment = id.Substring(0, id.LastIndexOf "-seed")
                Seed = run.GetProperty("seed").GetInt32()
                Scores = [
                    for score in run.GetProperty("evaluation").EnumerateArray() ->
                        score[0].GetInt32(), score[1].GetDouble(), slotsOf id score[2]
                ]
            }
    ]

let ways = [
    "keep-all"
    "fifo"
    "reservoir"
    "keep-novel"
    "surprise"
    "learned-gate"
    "budgeted"
    "ntm"
    "dnc"
    "mann-lrua"
    "sparse"
]

let orders = [ "blocks"; "shuffled" ]
let repeats = 100

/// The settings of a way, empty where it has one only.
let settings (way: string) (order: string) : string list =
    runs
    |> List.map _.Experiment
    |> List.distinct
    |> List.filter (fun name ->
        name.StartsWith(way + "-", System.StringComparison.Ordinal)
        && name.EndsWith("-" + order, System.StringComparison.Ordinal))
    |> List.map (fun name -> name.Substring(way.Length, name.Length - way.Length - order.Length - 1).Trim '-')

/// Accuracies and slots used of one setting, over its seeds.
let outcomes (way: string) (setting: string) (order: string) : (float * float) list =
    let name = [ way; setting; order ] |> List.filter ((<>) "") |> String.concat "-"

    [
        for run in runs do
            if run.Experiment = name then
                for number, accuracy, slots in run.Scores do
                    if number = repeats then
                        accuracy, slots
    ]

let choices (order: string) : (string * string * TradeOff.Choice) list = [
    for way in ways do
        for setting in settings way order ->
            let found = outcomes way setting order

            way, setting, { Way = way; Costs = List.map snd found; Gains = List.map fst found }
]

TradeOff.draw
    "slots used"
    "accuracy"
    ("no memory", 1.0 / 256.0)
    [
        for order in orders ->
            {
                Heading = $"each fact {repeats} times, {order}"
                Choices = [ for _, _, choice in choices order -> choice ]
            }
    ]
    (Report.figure "saving")

let slots (choice: TradeOff.Choice) = Statistics.median choice.Costs
let accuracy (choice: TradeOff.Choice) = Statistics.median choice.Gains

/// The setting of a way that is most accurate; of equals the one with the fewest slots.
let best (order: string) (way: string) : (string * TradeOff.Choice) option =
    choices order
    |> List.filter (fun (name, _, _) -> name = way)
    |> List.map (fun (_, setting, choice) -> setting, choice)
    |> function
        | [] -> None
        | found -> Some(found |> List.maxBy (fun (_, choice) -> accuracy choice, -slots choice))

let enough order = accuracy (snd (Option.get (best order "keep-all"))) - 0.01

/// The fewest slots with which some ways come within a hundredth of keeping all; infinite if none does.
let fewest (order: string) (among: string list) : float =
    choices order
    |> List.filter (fun (way, _, choice) -> List.contains way among && accuracy choice >= enough order)
    |> List.map (fun (_, _, choice) -> slots choice)
    |> List.fold min infinity

let deciding = [ "keep-novel"; "surprise"; "learned-gate"; "budgeted" ]
let blind = [ "reservoir"; "fifo" ]
let all = List.averageBy (fun order -> slots (snd (Option.get (best order "keep-all")))) orders

let words (slots: float) =
    if System.Double.IsInfinity slots then
        "no number of"
    else
        slots.ToString("G3", System.Globalization.CultureInfo.InvariantCulture)

let figure (value: float) (digits: string) =
    value.ToString(digits, System.Globalization.CultureInfo.InvariantCulture)

Report.publish {
    Name = "saving"
    Numbers = [
        "runs", string runs.Length
        "repeats", string repeats
        "all", words all
        for order in orders do
            $"deciding-{order}", words (fewest order deciding)
            $"blind-{order}", words (fewest order blind)
    ]
    Tables = [
        {
            Name = "saving"
            Headings = [
                "policy"
                for order in orders do
                    $"accuracy, {order}"
                    "slots"
            ]
            Rows = [
                for way in ways ->
                    [
                        way
                        for order in orders do
                            match best order way with
                            | Some(_, choice) ->
                                figure (accuracy choice) "F3"
                                figure (slots choice) "0.#"
                            | None ->
                                "-"
                                "-"
                    ]
            ]
        }
    ]
    Claims = [
        {
            Place = 70
            Claim = "To store every vector is wasteful; a further unit should decide what is worth saving."
            Verdict =
                match
                    orders
                    |> List.filter (fun order -> fewest order deciding < fewest order blind / 2.0)
                    |> List.length
                with
                | 0 when List.forall (fun order -> fewest order blind > all / 2.0) orders ->
                    Report.Verdict.Refuted
                | number when number = orders.Length -> Report.Verdict.Holds
                | _ -> Report.Verdict.HoldsInPart
            Evidence =
                let told =
                    orders
                    |> List.map (fun order ->
                        $"{order}: {words (fewest order deciding)} slots with a policy that decides, {words (fewest order blind)} with one that does not")
                    |> String.concat "; "

                $"within a hundredth of the accuracy of keeping all, which takes {words all} slots: {told}"
        }
    ]
}
