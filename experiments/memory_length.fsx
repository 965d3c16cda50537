// How long do models remember? For each model and lag T: trained on lags up to T within a fixed budget, is the task solved at T?
// And trained on lags up to 300, how far beyond does it hold? Every model has about as many parameters, the same optimiser, and a
// learning rate from the same small search. A model that fails at a lag is not tried at longer ones; one that fails at all of them is
// tried once more, on one short lag alone.
#load "lag_trainings.fsx"

open System
open System.Globalization
open NtmLab
open Study_models
open Lag_trainings

let tasks = List.map fst plan.Tasks
let invariant = CultureInfo.InvariantCulture

/// Every task with the learning rate of each model, and what its trainings came to.
let made = [
    for task, sequences in plan.Tasks do
        let rate = rateOf (search task)
        let grown = climb Way.Growing (task, sequences) rate names plan.Lags

        let failed = names |> List.filter (fun name -> reachAmong grown Way.Growing task name = 0)

        let short = plan.Lags |> List.filter (fun lag -> lag <= shortLag)
        task, (rate, grown @ climb Way.Alone (task, sequences) rate failed short)
]

let results = made |> List.collect (fun (_, (_, results)) -> results)

let of' = among results
let reachBy = reachAmong results

let sharesAt (way: Way) (task: string) (name: string) (trained: int) (lag: int) : float list =
    of' way task name trained
    |> List.choose (fun (cell, record) -> share cell record lag)

/// The greatest lag that the median seed reached, trained for it in one way or the other; 0 for none.
let reach (task: string) (name: string) : int =
    max (reachBy Way.Growing task name) (reachBy Way.Alone task name)

/// The greatest lag up to which the median seed holds, trained on short lags; 0 where it does not hold even there.
let holds (task: string) (name: string) : int =
    plan.ScoredAt
    |> List.filter (fun lag -> lag >= shortLag)
    |> List.takeWhile (fun lag -> reached lag (of' Way.Growing task name shortLag))
    |> List.fold max 0

/// A lag in words, where so much was tried at most.
let steps (most: int) (lag: int) : string =
    if lag = 0 then "none"
    elif lag >= most then $"at least {lag}"
    else string lag

let reachInWords (task: string) (name: string) : string =
    match reachBy Way.Alone task name with
    | 0 -> steps (min longest (followed name).Trained) (reach task name)
    | alone -> $"{steps shortLag alone} alone"

let holdsInWords (task: string) (name: string) : string =
    if (followed name).Trained < shortLag then
        "not tried"
    else
        steps (min (List.last plan.ScoredAt) (followed name).Scored) (holds task name)

/// The sequences after which the median seed had learned a lag alone, if it ever had before its training ended.
let learnedAfter (task: string) (name: string) (lag: int) : string =
    let after = [
        for _, record in of' Way.Alone task name lag -> record.SolvedAtSequences |> Option.ofNullable
    ]

    if 2 * (after |> List.filter Option.isSome |> List.length) <= after.Length then
        "-"
    else
        after
        |> List.map (Option.map float >> Option.defaultValue Double.MaxValue)
        |> Statistics.median
        |> string

let figure (name: string) (series: string -> Lines.Series list) : unit =
    Lines.draw
        {
            XName = "lag, steps"
            YName = "share of what can be achieved"
            Scale = Lines.Even(-0.05, 1.05)
            Reference = None
            Panels = [ for task in tasks -> { Heading = task; Series = series task } ]
            Columns = tasks.Length
            Panel = 330, 300
        }
        (Report.figure name)

// A share below 0, worse than remembering nothing, is drawn as 0.
let drawn = List.map (max 0.0)

figure "accuracy-against-lag" (fun task -> [
    for name in names ->
        {
            Name = name
            Points = [ for lag in plan.Lags -> float lag, drawn (sharesAt Way.Growing task name lag lag) ]
        }
])

figure "trained-short" (fun task -> [
    for name in names ->
        {
            Name = name
            Points = [
                for lag in plan.ScoredAt -> float lag, drawn (sharesAt Way.Growing task name shortLag lag)
            ]
        }
])

let parameters (name: string) : string =
    let found =
        [
            for cell, record in results do
                if cell.Model = name then
                    record.Parameters
        ]
        |> List.distinct

    if found.Length = 1 then
        string found.Head
    else
        $"{List.min found} to {List.max found}"

let withMemory = [ "ntm"; "dnc"; "sparse" ]
let gated = [ "gru"; "lstm"; "lstm-chrono" ]
let recurrent = "rnn" :: gated
let hierarchy = [ "hierarchical-attention" ]

/// The best of some models, by either measure.
let best (task: string) (models: string list) : int =
    models
    |> List.collect (fun name -> [ reach task name; holds task name ])
    |> List.max

let each (text: string -> string) : string =
    tasks |> List.map (fun task -> $"{task}: {text task}") |> String.concat "; "

/// The verdict on a claim about some models that holds at some tasks. A task that none of them learned even at the shortest lag says
/// nothing of what they remember. What was tried may bear out less than it could refute.
let verdict (canHold: bool) (models: string list) (holdsAt: string -> bool) : Report.Verdict =
    let learned = tasks |> List.filter (fun task -> best task models > 0)

    match learned |> List.filter holdsAt |> List.length with
    | _ when learned.IsEmpty -> Report.Verdict.Open
    | 0 -> Report.Verdict.Refuted
    | _ when not canHold -> Report.Verdict.Open
    | number when number = learned.Length -> Report.Verdict.Holds
    | _ -> Report.Verdict.HoldsInPart

/// The sequences of a training, by task where they differ.
let sequencesInWords =
    match plan.Tasks |> List.map snd |> List.distinct with
    | [ same ] -> string same
    | _ ->
        plan.Tasks
        |> List.map (fun (task, sequences) -> $"{sequences} ({task})")
        |> String.concat ", "

/// A learning rate.
let inWords (rate: float) : string = rate.ToString("0.####", invariant)

/// A share to a tenth of a percent, down to 0.
let percent (share: float) : string = (100.0 * max 0.0 share).ToString("0.#", invariant) + " %"

let inSteps (lag: int) : string =
    if lag = 0 then
        "none"
    else
        steps (max longest (List.last plan.ScoredAt)) lag + " steps"

let claims: Report.Claim list = [
    {
        Place = 10
        Claim = "LSTM-like networks remember some 100s of steps, not 1000s or 10 000s."
        Verdict = verdict (longest >= 1000) gated (fun task -> best task gated < 1000)
        Evidence =
            each (fun task ->
                $"the best of gru, lstm and lstm with a chrono start {inSteps (best task gated)}")
    }
    {
        Place = 20
        Claim = "A hierarchy of attention modules reaches 10 000 steps."
        Verdict =
            if longest < 10_000 then
                Report.Verdict.Open
            else
                verdict true hierarchy (fun task -> best task hierarchy >= 10_000)
        Evidence =
            each (fun task ->
                let at, beyond =
                    reachInWords task "hierarchical-attention", holdsInWords task "hierarchical-attention"

                $"{at} when trained at the lag, {beyond} when trained on lags up to {shortLag}")
    }
    {
        Place = 30
        Claim =
            "A network that decides what to read from a memory of its own remembers longer than a recurrent one."
        Verdict =
            if longest < 1000 then
                Report.Verdict.Open
            else
                verdict true (withMemory @ recurrent) (fun task -> best task withMemory > best task recurrent)
        Evidence =
            each (fun task ->
                let memory, without = best task withMemory, best task recurrent
                $"the best of ntm, dnc and sparse {inSteps memory}, of the recurrent ones {inSteps without}")
    }
]

Report.publish {
    Name = "memory-length"
    Numbers = [
        "models", string names.Length
        "sequences", sequencesInWords
        "searched", string plan.Searched
        "alone", string plan.Alone
        "rates", plan.LearningRates |> List.map inWords |> String.concat ", "
        "multiply-adds", plan.MultiplyAdds.ToString "0E+0"
        "parameters", string plan.Parameters
        "seeds", string plan.Seeds.Length
        "scored", string plan.Scored
        "short", string shortLag
        "longest", string longest
        "runs", string results.Length
        for task in tasks do
            for name in names do
                $"reach-{task}-{name}", reachInWords task name
                $"holds-{task}-{name}", holdsInWords task name

                // How it stands at the longest lag that it was trained for, and at the longest that it was scored at, trained short.
                let tried =
                    plan.Lags
                    |> List.filter (fun lag -> not (of' Way.Growing task name lag).IsEmpty)
                    |> List.max

                let beyond =
                    plan.ScoredAt
                    |> List.filter (fun lag -> lag <= (followed name).Scored)
                    |> List.last

                $"tried-{task}-{name}", string tried

                $"sequences-{task}-{name}",
                string (fst (of' Way.Growing task name tried).Head).Experiment.Training.Sequences

                $"share-{task}-{name}",
                percent (Statistics.median (sharesAt Way.Growing task name tried tried))

                $"share-beyond-{task}-{name}",
                percent (Statistics.median (sharesAt Way.Growing task name shortLag beyond))
    ]
    Figures = [
        {
            Name = "accuracy-against-lag"
            Caption =
                "Each model trained on lags up to T, the short ones first, and scored at T. A line ends below the first lag that the median seed does not reach."
        }
        {
            Name = "trained-short"
            Caption = $"Trained once, on lags up to {shortLag}, and scored at all lags."
        }
    ]
    Tables = [
        {
            Name = "reach"
            Caption =
                $"The greatest lag, in steps, that models reach when they are trained up to it, and up to which they hold when they are trained on lags up to {shortLag} only. The ladder ends at {longest}. Alone: trained on that lag and no other, when lags that grow had taught nothing."
            Headings = [
                "model"
                "parameters"
                for task in tasks do
                    $"{task}, trained at"
                    $"{task}, trained short"
            ]
            Rows = [
                for name in names ->
                    [
                        name
                        parameters name
                        for task in tasks do
                            reachInWords task name
                            holdsInWords task name
                    ]
            ]
        }
        {
            Name = "alone"
            Caption =
                "Models that reach no lag when lags grow, and one when they are trained on it alone: the greatest, the sequences until the last 1000 missed half of what they may, and the share of what can be achieved there and at nine tenths of it. Medians."
            Headings = [ "task"; "model"; "lag"; "sequences"; "share"; "at nine tenths" ]
            Rows = [
                for task in tasks do
                    for name in names do
                        match reachBy Way.Alone task name with
                        | 0 -> ()
                        | lag ->
                            let share (at: int) =
                                percent (Statistics.median (sharesAt Way.Alone task name lag at))

                            [
                                task
                                name
                                string lag
                                learnedAfter task name lag
                                share lag
                                share (lag * 9 / 10)
                            ]
            ]
        }
        {
            Name = "rates"
            Caption = "The learning rate of each model, by task."
            Headings = "model" :: tasks
            Rows = [ for name in names -> name :: [ for _, (rate, _) in made -> inWords (rate name) ] ]
        }
    ]
    Claims = claims
}
