// The trainings of the memory-length study: what a budget allows, the search for a learning rate, and lags one after the other.
#load "study_models.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training
open Study_models

/// What a budget allows.
type Plan = {
    /// The tasks, each with the sequences of a training on it, at most.
    Tasks: (string * int64) list
    Lags: int list
    /// Where those trained on short lags are scored.
    ScoredAt: int list
    Seeds: int list
    LearningRates: float list
    /// Sequences of a training that only tries a learning rate, at most.
    Searched: int64
    /// Sequences of a training on one lag alone, at most.
    Alone: int64
    /// Multiply-adds of a training, at most: those of the forward pass three times, in the mean over the curriculum.
    MultiplyAdds: float
    /// Sequences that each lag is scored on.
    Scored: int
    Parameters: int64
}

let plan =
    match Study.budget () with
    | StudyBudget.Smoke -> {
        Tasks = [ "needle", 1_600L ]
        Lags = [ 10; 30 ]
        ScoredAt = [ 10; 30; 100 ]
        Seeds = [ 1 ]
        LearningRates = [ 3e-3 ]
        Searched = 1_600L
        Alone = 320L
        MultiplyAdds = 1e9
        Scored = 50
        Parameters = 10_000L
      }
    | StudyBudget.Quick -> {
        Tasks = [ "needle", 20_000L; "copy-memory", 20_000L; "adding", 20_000L ]
        Lags = [ 100; 300 ]
        ScoredAt = [ 100; 300; 1000; 3000 ]
        Seeds = [ 1 ]
        LearningRates = [ 3e-3 ]
        Searched = 20_000L
        Alone = 10_000L
        MultiplyAdds = 2e11
        Scored = 100
        Parameters = 50_000L
      }
    | _ -> {
        // Ten symbols take more to learn than one vector or one sum.
        Tasks = [ "needle", 40_000L; "copy-memory", 200_000L; "adding", 100_000L ]
        Lags = [ 100; 300; 1000; 3000; 10_000; 30_000 ]
        ScoredAt = [ 100; 300; 1000; 3000; 10_000; 30_000 ]
        Seeds = [ 1..3 ]
        LearningRates = [ 1e-3; 3e-3; 3e-4 ]
        Searched = 40_000L
        Alone = 40_000L
        MultiplyAdds = 2e12
        Scored = 200
        Parameters = 50_000L
      }

/// Trained up to this lag, a model is scored at all of them.
let shortLag = plan.Lags |> List.filter (fun lag -> lag <= 300) |> List.last
let longest = List.last plan.Lags

/// How a model is trained for a lag.
[<RequireQualifiedAccess>]
type Way =
    /// On lags up to it, the short ones first.
    | Growing
    /// On no other lag.
    | Alone

let taskOf (name: string) (way: Way) (lag: int) : SequenceTask =
    let least (shortest: int) = if way = Way.Alone then lag else shortest

    match name with
    | "needle" -> NeedleTask(MinLag = least 1, MaxLag = lag)
    | "copy-memory" -> CopyMemoryTask(MinLag = least 1, MaxLag = lag)
    | _ -> AddingTask(MinLength = least 2, MaxLength = lag)

/// What a predictor scores that knows the task and remembers nothing.
let baseline (name: string) (lag: int) : float = (taskOf name Way.Growing lag).Baseline(lag).Score

let growth = ExponentialCurriculum(From = 4, Over = 0.8)

/// The multiply-adds of training on one sequence, in the mean over the lags of the training.
let multiplyAdds (way: Way) (options: ModelOptions) (task: SequenceTask) (lag: int) : float =
    use model = options.Build(task, RandomStream(1UL, "size"))
    let range = task.Lengths()

    let mean (greatest: float) =
        List.averageBy
            (fun part ->
                let length = float range.Shortest + (greatest - float range.Shortest) * part
                // A few steps more than its lag.
                3.0 * float (model.MultiplyAdds(int64 length + 2L)))
            [ for part in 0..19 -> (float part + 0.5) / 20.0 ]

    match way with
    | Way.Alone -> mean (float lag)
    | Way.Growing ->
        let growing =
            [
                for part in 0..99 ->
                    mean (
                        float growth.From
                        * (float lag / float growth.From) ** ((float part + 0.5) / 100.0)
                    )
            ]
            |> List.average

        growth.Over * growing + (1.0 - growth.Over) * mean (float lag)

type Cell = {
    Task: string
    Model: string
    Way: Way
    Lag: int
    Rate: float
    Seed: int
    Experiment: Configuration.ExperimentConfiguration
}

/// The options of trainings, which every seed has in common, and the multiply-adds of one of their sequences.
let trainings =
    System.Collections.Generic.Dictionary<string * string * Way * int, ModelOptions * float>()

let cell
    (role: string)
    (way: Way)
    (most: int64)
    (taskName: string)
    (name: string)
    (lag: int)
    (scoredAt: int list)
    (rate: float)
    (number: int)
    : Cell =
    let wanted = taskOf taskName way lag

    let options, each =
        match trainings.TryGetValue((taskName, name, way, lag)) with
        | true, found -> found
        | _ ->
            let options = sized plan.Parameters wanted lag name
            let each = multiplyAdds way options wanted lag
            trainings[(taskName, name, way, lag)] <- (options, each)
            options, each

    let sequences = min most (int64 (plan.MultiplyAdds / each) / 16L * 16L) |> max 16L

    // Every training uses up its sequences; what counts as learned on the way is noted of a lag that does not grow.
    let curriculum, learned =
        match way with
        | Way.Growing -> growth :> Curriculum, 0.0
        | Way.Alone -> UniformCurriculum(), 0.005 * baseline taskName lag

    let experiment = experiment $"{role}-{taskName}-{name}-{lag}" {
        summary "How long do models remember?"
        seed number
        task wanted
        model options

        training (
            TrainingOptions(
                Sequences = sequences,
                Batch = 16,
                Curriculum = curriculum,
                Optimiser = AdamOptions(LearningRate = rate),
                Schedule = CosineSchedule(WarmUp = min 1_000L (sequences / 10L), Final = 0.05),
                ClipNorm = 1.0,
                Solved = SolvedOptions(Score = learned, Window = 1_000, Continue = sequences),
                EvaluateEvery = 1_000_000L,
                CheckpointEvery = 4_000L
            )
        )

        evaluation (EvaluationOptions(Lengths = scoredAt, Sequences = plan.Scored))
    }

    {
        Task = taskName
        Model = name
        Way = way
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
    |> Option.map (fun score -> 1.0 - score.Score / baseline cell.Task lag)

// The search: one seed that is used nowhere else, trained on short lags. Best is what scores best at these and at lags some times as long,
// in the mean, so that a model that fails at the longest of them is judged by the others. A share below 0 counts as 0: how badly a model
// does where it has learned nothing is no reason to prefer one that has learned less.
let searchedAt = plan.ScoredAt |> List.filter (fun lag -> lag <= 10 * shortLag)

let search (task: string) : (Cell * RunRecord) list =
    match plan.LearningRates with
    | [ _ ] -> []
    | rates ->
        make [
            for name in names do
                for index, rate in List.indexed rates ->
                    let at = searchedAt |> List.filter (fun lag -> lag <= (followed name).Scored)
                    cell $"rate{index}" Way.Growing plan.Searched task name shortLag at rate 101
        ]

/// The learning rate that a search found for a model: the first, unless another is better by a hundredth at least, which chance is not.
let rateOf (searched: (Cell * RunRecord) list) (name: string) : float =
    let judged = [
        for cell, record in searched do
            if cell.Model = name then
                cell.Rate, searchedAt |> List.choose (share cell record) |> List.averageBy (max 0.0)
    ]

    match judged with
    | [] -> plan.LearningRates.Head
    | (first, asItIs) :: _ ->
        let best, most = List.maxBy snd judged
        if most >= asItIs + 0.01 then best else first

/// Whether the median seed has 99 % of what can be achieved.
let reached (lag: int) (results: (Cell * RunRecord) list) : bool =
    let shares = results |> List.choose (fun (cell, record) -> share cell record lag)

    shares.Length = results.Length
    && not shares.IsEmpty
    && Statistics.median shares >= 0.99

/// The results of a model's trainings for a lag.
let among (results: (Cell * RunRecord) list) (way: Way) (task: string) (name: string) (lag: int) =
    results
    |> List.filter (fun (cell, _) ->
        cell.Way = way && cell.Task = task && cell.Model = name && cell.Lag = lag)

/// The greatest lag that the median seed reached, trained for it; 0 for none.
let reachAmong (results: (Cell * RunRecord) list) (way: Way) (task: string) (name: string) : int =
    plan.Lags
    |> List.filter (fun lag -> reached lag (among results way task name lag))
    |> List.fold max 0

/// Where a model that was trained for a lag is scored: at that lag, and beyond if it saw all up to a short one, or a tenth below if it
/// saw no other.
let scoredAt (way: Way) (name: string) (lag: int) : int list =
    match way with
    | Way.Alone -> [ lag * 9 / 10; lag ]
    | Way.Growing when lag = shortLag ->
        plan.ScoredAt |> List.filter (fun lag -> lag <= (followed name).Scored)
    | Way.Growing -> [ lag ]

/// A model's trainings for a lag, of every seed.
let trained
    (way: Way)
    (task: string, sequences: int64)
    (rateOf: string -> float)
    (lag: int)
    (name: string)
    : Cell list =
    let role, most =
        match way with
        | Way.Growing -> "lag", sequences
        | Way.Alone -> "alone", plan.Alone

    [
        for number in plan.Seeds ->
            cell role way most task name lag (scoredAt way name lag) (rateOf name) number
    ]

/// Lags one after the other, each for all models that reached the one before.
let rec climb
    (way: Way)
    (task: string * int64)
    (rateOf: string -> float)
    (climbing: string list)
    (lags: int list)
    : (Cell * RunRecord) list =
    match lags with
    | [] -> []
    | lag :: longer ->
        let tried = climbing |> List.filter (fun name -> lag <= (followed name).Trained)

        let results = tried |> List.collect (trained way task rateOf lag) |> make

        let reaching =
            tried
            |> List.filter (fun name ->
                results |> List.filter (fun (cell, _) -> cell.Model = name) |> reached lag)

        // On lags that grow, the short ones are trained by all, for what it is worth beyond.
        let everyone = way = Way.Growing && lag < shortLag
        results @ climb way task rateOf (if everyone then climbing else reaching) longer
