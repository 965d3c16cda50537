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

/// The options of trainings, which every seed has in common, and the multiply-adds of one of their sequences.
let trainings = System.Collections.Generic.Dictionary<string * string * int, ModelOptions * float>()

let cell
    (role: string)
    (most: int64)
    (taskName: string)
    (name: string)
    (lag: int)
    (scoredAt: int list)
    (rate: float)
    (number: int)
    : Cell =
    let wanted = taskOf taskName lag

    let options, each =
        match trainings.TryGetValue((taskName, name, lag)) with
        | true, found -> found
        | _ ->
            let options = sized plan.Parameters wanted lag name
            let each = multiplyAdds options wanted lag
            trainings[(taskName, name, lag)] <- (options, each)
            options, each

    let sequences = min most (int64 (plan.MultiplyAdds / each) / 16L * 16L) |> max 16L

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

// The search: one seed that is used nowhere else, trained on short lags. Best is what scores best at these and at lags some times as long,
// in the mean, so that a model that fails at the longest of them is judged by the others.
let searchedAt = plan.ScoredAt |> List.filter (fun lag -> lag <= 10 * shortLag)

let search (task: string) : (Cell * RunRecord) list =
    match plan.LearningRates with
    | [ _ ] -> []
    | rates ->
        make [
            for name in names do
                for index, rate in List.indexed rates ->
                    let at = searchedAt |> List.filter (fun lag -> lag <= (followed name).Scored)
                    cell $"rate{index}" plan.Searched task name shortLag at rate 101
        ]

/// The learning rate that a search found for a model: the first, unless another is better by a hundredth at least, which chance is not.
let rateOf (searched: (Cell * RunRecord) list) (name: string) : float =
    let judged = [
        for cell, record in searched do
            if cell.Model = name then
                cell.Rate, searchedAt |> List.choose (share cell record) |> List.average
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

/// Where a model that was trained up to a lag is scored: at that lag, or beyond if it is a short one.
let scoredAt (name: string) (lag: int) : int list =
    if lag = shortLag then
        plan.ScoredAt |> List.filter (fun lag -> lag <= (followed name).Scored)
    else
        [ lag ]

/// A model's trainings up to a lag, of every seed.
let trained (task: string, sequences: int64) (rateOf: string -> float) (lag: int) (name: string) : Cell list = [
    for number in plan.Seeds -> cell "lag" sequences task name lag (scoredAt name lag) (rateOf name) number
]

/// Lags one after the other, each for all models that reached the one before.
let rec climb
    (task: string, sequences: int64)
    (rateOf: string -> float)
    (climbing: string list)
    (lags: int list)
    : (Cell * RunRecord) list =
    match lags with
    | [] -> []
    | lag :: longer ->
        let tried = climbing |> List.filter (fun name -> lag <= (followed name).Trained)

        let results = tried |> List.collect (trained (task, sequences) rateOf lag) |> make

        let reaching =
            tried
            |> List.filter (fun name ->
                results |> List.filter (fun (cell, _) -> cell.Model = name) |> reached lag)

        // The short lag is trained by all, for what it is worth beyond.
        results
        @ climb (task, sequences) rateOf (if lag < shortLag then climbing else reaching) longer
