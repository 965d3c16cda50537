// How long do models remember? For each model and lag T: trained on lags up to T within a fixed budget, is the task solved at T?
// And trained on lags up to 300, how far beyond does it hold? Every model has about as many parameters, the same optimiser, and a
// learning rate from the same small search. A model that fails at a lag is not tried at longer ones.
#load "study_models.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training
open Study_models

/// What a budget allows.
type Plan = {
    Tasks: string list
    Lags: int list
    /// Where those trained on short lags are scored.
    ScoredAt: int list
    Seeds: int list
    LearningRates: float list
    /// Sequences of a training, at most.
    Sequences: int64
    /// Multiply-adds of a training, at most: those of the forward pass three times, in the mean over the curriculum.
    MultiplyAdds: float
    /// Sequences that each lag is scored on.
    Scored: int
    Parameters: int64
}

let plan =
    match Study.budget () with
    | StudyBudget.Smoke -> {
        Tasks = [ "needle" ]
        Lags = [ 10; 30 ]
        ScoredAt = [ 10; 30; 100 ]
        Seeds = [ 1 ]
        LearningRates = [ 3e-3 ]
        Sequences = 1_600L
        MultiplyAdds = 1e9
        Scored = 50
        Parameters = 10_000L
      }
    | StudyBudget.Quick -> {
        Tasks = [ "needle"; "copy-memory"; "adding" ]
        Lags = [ 100; 300 ]
        ScoredAt = [ 100; 300; 1000; 3000 ]
        Seeds = [ 1 ]
        LearningRates = [ 3e-3 ]
        Sequences = 20_000L
        MultiplyAdds = 2e11
        Scored = 100
        Parameters = 50_000L
      }
    | _ -> {
        Tasks = [ "needle"; "copy-memory"; "adding" ]
        Lags = [ 100; 300; 1000; 3000; 10_000; 30_000 ]
        ScoredAt = [ 100; 300; 1000; 3000; 10_000; 30_000 ]
        Seeds = [ 1..3 ]
        LearningRates = [ 1e-3; 3e-3; 3e-4 ]
        Sequences = 40_000L
        MultiplyAdds = 2e12
        Scored = 200
        Parameters = 50_000L
      }

/// Trained up to this lag, a model is scored at all of them.
let shortLag = plan.Lags |> List.filter (fun lag -> lag <= 300) |> List.last
let longest = List.last plan.Lags

let taskOf (name: string) (lag: int) : SequenceTask =
    match name with
    | "needle" -> NeedleTask(MinLag = 1, MaxLag = lag)
    | "copy-memory" -> CopyMemoryTask(MinLag = 1, MaxLag = lag)
    | _ -> AddingTask(MinLength = 2, MaxLength = lag)

let growth = ExponentialCurriculum(From = 4, Over = 0.8)

/// The multiply-adds of training on one sequence, in the mean over a curriculum up to a lag.
let multiplyAdds (options: ModelOptions) (task: SequenceTask) (lag: int) : float =
    use model = options.Build(task, RandomStream(1UL, "size"))
    let range = task.Lengths()

    let mean (greatest: float) =
        List.averageBy
            (fun part ->
                let length = float range.Shortest + (greatest - float range.Shortest) * part
                // A few steps more than its lag.
                3.0 * float (model.MultiplyAdds(int64 length + 2L)))
            [ for part in 0..19 -> (float part + 0.5) / 20.0 ]

    let growing =
        [ for part in 0..99 -> mean (4.0 * (float lag / 4.0) ** ((float part + 0.5) / 100.0)) ]
        |> List.average

    growth.Over * growing + (1.0 - growth.Over) * mean (float lag)

type Cell = {
    Task: string
    Model: string
    Lag: int
    Rate: float
    Seed: int
    Experiment: Configuration.ExperimentConfiguration
}

/// The options and the sequences of trainings, which every seed has in common.
let trainings = System.Collections.Generic.Dictionary<string * string * int, ModelOptions * int64>()

let cell
    (role: string)
    (taskName: string)
    (name: string)
    (lag: int)
    (scoredAt: int list)
    (rate: float)
    (number: int)
    : Cell =
    let wanted = taskOf taskName lag

    let options, sequences =
        match trainings.TryGetValue((taskName, name, lag)) with
        | true, found -> found
        | _ ->
            let options = sized plan.Parameters wanted lag name
            let each = multiplyAdds options wanted lag
            let sequences = min plan.Sequences (int64 (plan.MultiplyAdds / each) / 16L * 16L) |> max 16L
            trainings[(taskName, name, lag)] <- (options, sequences)
            options, sequences

    let experiment = experiment $"{role}-{taskName}-{name}-{lag}" {
        summary "How long do models remember?"
        seed number
        task wanted
        model options

        training (
            TrainingOptions(
                Sequences = sequences,
                Batch = 16,
                Curriculum = growth,
                Optimiser = AdamOptions(LearningRate = rate),
                Schedule = CosineSchedule(WarmUp = min 1_000L (sequences / 10L), Final = 0.05),
                ClipNorm = 1.0,
                Solved = SolvedOptions(Score = 0.0, Window = 1_000, Continue = sequences),
                EvaluateEvery = 1_000_000L,
                CheckpointEvery = 4_000L
            )
        )

        evaluation (EvaluationOptions(Lengths = scoredAt, Sequences = plan.Scored))
    }

    {
        Task = taskName
        Model = name
        Lag = lag
        Rate = rate
        Seed = number
        Experiment = experiment
    }

let make (cells: Cell list) : (Cell * RunRecord) list =
    Study.step [ for cell in cells -> cell.Experiment ]
    |> List.map fst
    |> List.zip cells

/// The share of what can be achieved beyond remembering nothing, from 0 (or less) to 1.
let share (cell: Cell) (record: RunRecord) (lag: int) : float option =
    record.Evaluation
    |> Seq.tryFind (fun score -> score.Length = lag)
    |> Option.map (fun score -> 1.0 - score.Score / (taskOf cell.Task lag).Baseline(lag).Score)

// The search: one seed that is used nowhere else, at the shortest of the long lags. Best is what scores best there and beyond.
let searchLag = shortLag

let searchedAt =
    plan.ScoredAt
    |> List.filter (fun lag -> lag >= searchLag && lag <= 10 * searchLag)

let search (task: string) : (Cell * RunRecord) list =
    match plan.LearningRates with
    | [ _ ] -> []
    | rates ->
        make [
            for name in names do
                for index, rate in List.indexed rates ->
                    let at = searchedAt |> List.filter (fun lag -> lag <= (followed name).Scored)
                    cell $"rate{index}" task name searchLag at rate 101
        ]

/// The learning rate that a search found best for a model.
let rateOf (searched: (Cell * RunRecord) list) (name: string) : float =
    match searched |> List.filter (fun (cell, _) -> cell.Model = name) with
    | [] -> plan.LearningRates.Head
    | found ->
        found
        |> List.maxBy (fun (cell, record) -> searchedAt |> List.choose (share cell record) |> List.average)
        |> fun (cell, _) -> cell.Rate

/// Whether the median seed has 99 % of what can be achieved.
let reached (lag: int) (results: (Cell * RunRecord) list) : bool =
    let shares = results |> List.choose (fun (cell, record) -> share cell record lag)

    shares.Length = results.Length
    && not shares.IsEmpty
    && Statistics.median shares >= 0.99

/// Lags one after the other, each for all models that reached the one before.
let rec climb
    (task: string)
    (rateOf: string -> float)
    (climbing: string list)
    (lags: int list)
    : (Cell * RunRecord) list =
    match lags with
    | [] -> []
    | lag :: longer ->
        let tried = climbing |> List.filter (fun name -> lag <= (followed name).Trained)

        let scoredAt name =
            if lag = shortLag then
                plan.ScoredAt |> List.filter (fun lag -> lag <= (followed name).Scored)
            else
                [ lag ]

        let results =
            make [
                for name in tried do
                    for number in plan.Seeds -> cell "lag" task name lag (scoredAt name) (rateOf name) number
            ]

        let reaching =
            tried
            |> List.filter (fun name ->
                results |> List.filter (fun (cell, _) -> cell.Model = name) |> reached lag)

        // The short lag is trained by all, for what it is worth beyond.
        results
        @ climb task rateOf (if lag < shortLag then climbing else reaching) longer

let results = [
    for task in plan.Tasks do
        let searched = search task
        yield! climb task (rateOf searched) names plan.Lags
]

let of' (task: string) (name: string) (lag: int) =
    results
    |> List.filter (fun (cell, _) -> cell.Task = task && cell.Model = name && cell.Lag = lag)

let sharesAt (task: string) (name: string) (trained: int) (lag: int) : float list =
    of' task name trained
    |> List.choose (fun (cell, record) -> share cell record lag)

/// The greatest lag that the median seed reached, trained up to it; 0 for none.
let reach (task: string) (name: string) : int =
    plan.Lags
    |> List.filter (fun lag -> reached lag (of' task name lag))
    |> List.fold max 0

/// The greatest lag up to which the median seed holds, trained on short lags; 0 where it does not hold even there.
let holds (task: string) (name: string) : int =
    plan.ScoredAt
    |> List.filter (fun lag -> lag >= shortLag)
    |> List.takeWhile (fun lag -> reached lag (of' task name shortLag))
    |> List.fold max 0

/// A lag in words, where so much was tried at most.
let steps (most: int) (lag: int) : string =
    if lag = 0 then "none"
    elif lag >= most then $"at least {lag}"
    else string lag

let reachInWords (task: string) (name: string) : string =
    steps (min longest (followed name).Trained) (reach task name)

let holdsInWords (task: string) (name: string) : string =
    if (followed name).Trained < shortLag then
        "not tried"
    else
        steps (min (List.last plan.ScoredAt) (followed name).Scored) (holds task name)

let figure (name: string) (series: string -> Lines.Series list) : unit =
    Lines.draw
        {
            XName = "lag, steps"
            YName = "share of what can be achieved"
            Scale = Lines.Even(-0.05, 1.05)
            Reference = None
            Panels = [ for task in plan.Tasks -> { Heading = task; Series = series task } ]
            Columns = plan.Tasks.Length
            Panel = 330, 300
        }
        (Report.figure name)

// A share below 0, worse than remembering nothing, is drawn as 0.
let drawn = List.map (max 0.0)

figure "accuracy-against-lag" (fun task -> [
    for name in names ->
        {
            Name = name
            Points = [ for lag in plan.Lags -> float lag, drawn (sharesAt task name lag lag) ]
        }
])

figure "trained-short" (fun task -> [
    for name in names ->
        {
            Name = name
            Points = [ for lag in plan.ScoredAt -> float lag, drawn (sharesAt task name shortLag lag) ]
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

/// The best of some models, by either measure.
let best (task: string) (models: string list) : int =
    models
    |> List.collect (fun name -> [ reach task name; holds task name ])
    |> List.max

let each (text: string -> string) : string =
    plan.Tasks
    |> List.map (fun task -> $"{task}: {text task}")
    |> String.concat "; "

/// The verdict on a claim that holds at some tasks. What was tried may bear out less than it could refute.
let verdict (canHold: bool) (holdsAt: string -> bool) : Report.Verdict =
    match plan.Tasks |> List.filter holdsAt |> List.length with
    | 0 -> Report.Verdict.Refuted
    | _ when not canHold -> Report.Verdict.Open
    | number when number = plan.Tasks.Length -> Report.Verdict.Holds
    | _ -> Report.Verdict.HoldsInPart

let inSteps (lag: int) : string = if lag = 0 then "none" else $"{lag} steps"

let claims: Report.Claim list = [
    {
        Place = 10
        Claim = "LSTM-like networks remember some 100s of steps, not 1000s or 10 000s."
        Verdict = verdict (longest >= 1000) (fun task -> best task gated < 1000)
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
                verdict true (fun task -> best task [ "hierarchical-attention" ] >= 10_000)
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
                verdict true (fun task -> best task withMemory > best task ("rnn" :: gated))
        Evidence =
            each (fun task ->
                let memory, recurrent = best task withMemory, best task ("rnn" :: gated)
                $"the best of ntm, dnc and sparse {inSteps memory}, of the recurrent ones {inSteps recurrent}")
    }
]

Report.publish {
    Name = "memory-length"
    Numbers = [
        "sequences", string plan.Sequences
        "multiply-adds", plan.MultiplyAdds.ToString "0E+0"
        "parameters", string plan.Parameters
        "seeds", string plan.Seeds.Length
        "scored", string plan.Scored
        "short", string shortLag
        "longest", string longest
        "runs", string results.Length
        for task in plan.Tasks do
            for name in names do
                $"reach-{task}-{name}", reachInWords task name
                $"holds-{task}-{name}", holdsInWords task name
    ]
    Tables = [
        {
            Name = "reach"
            Headings = [
                "model"
                "parameters"
                for task in plan.Tasks do
                    $"{task}, trained at"
                    $"{task}, trained short"
            ]
            Rows = [
                for name in names ->
                    [
                        name
                        parameters name
                        for task in plan.Tasks do
                            reachInWords task name
                            holdsInWords task name
                    ]
            ]
        }
    ]
    Claims = claims
}
