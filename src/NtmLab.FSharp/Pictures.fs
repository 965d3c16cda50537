/// Draws what a run leaves behind: its learning curve, an example, what the heads did, and scores by length.
module NtmLab.Pictures

open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training
open TorchSharp

/// The first sequence of a tensor `[batch, time, feature]` as an array `[feature, time]`.
let private firstSequence (tensor: torch.Tensor) : float32[,] =
    use _scope = torch.NewDisposeScope()
    let plain = tensor[0L].detach().``to``(torch.ScalarType.Float32).cpu().t().contiguous()
    let rows, columns = int plain.shape[0], int plain.shape[1]
    let values = plain.data<float32>().ToArray()
    Array2D.init rows columns (fun row column -> values[row * columns + column])

/// The inputs of a batch's first sequence, `[channel, time]`; a token as a 1 in its own channel.
let inputs (task: SequenceTask) (batch: SequenceBatch) : float32[,] =
    let given = firstSequence batch.Input
    let tokens = task.InputTokens()

    if tokens = 0 then
        given
    else
        Array2D.init tokens (Array2D.length2 given) (fun token time ->
            if int given[0, time] = token then 1.0f else 0.0f)

/// What is wanted of a batch's first sequence, in the target's terms, `[channel, time]`.
let wanted (task: SequenceTask) (batch: SequenceBatch) : float32[,] =
    use _scope = torch.NewDisposeScope()
    firstSequence (task.Output().Wanted batch)

let private drawExample
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (folder: RunFolder)
    length
    =
    use _scope = torch.NewDisposeScope()
    use _noGradient = torch.no_grad ()
    let task = configuration.Task
    let random = RandomStream(configuration.Seed, "picture", uint64 length)
    let device = (Seq.head (model.parameters ())).device

    let batch = task.Generate(BatchRequest(random, configuration.Seed, 0L, 1, length, true)).To device

    let trace = HeadTrace()

    let answers =
        task.Output().Answers(model.Forward(batch.Input, trace))
        * batch.Mask.unsqueeze -1L

    let input, target, output = inputs task batch, wanted task batch, firstSequence answers
    let title = $"{folder.Record.Model} on {folder.Record.Task}, length {length}"
    let error = Array2D.mapi (fun row column value -> value - target[row, column]) output

    Charts.panels
        title
        [ "input", input; "target", target; "output", output; "error", error ]
        (folder.Picture $"example-{length}")

    if trace.Steps.Count > 0 then
        Charts.heads title input output trace.Steps (folder.Picture $"heads-{length}")

/// The references of a task at the lengths of its training batches: what no memory reaches, and the best possible.
let private references (task: SequenceTask) (rows: BatchReport[]) : Charts.Reference list =
    let along (reach: int -> TaskReference) =
        let known =
            rows
            |> Seq.map _.Length
            |> Seq.distinct
            |> Seq.map (fun length -> length, reach length)
            |> dict

        rows |> Array.map (fun row -> float row.Sequences, known[row.Length])

    [
        { Charts.Name = "no memory"; Charts.Reaches = along task.Baseline }
        if task.Optimum(task.Lengths().Longest).HasValue then
            {
                Charts.Name = "best possible"
                Charts.Reaches = along (fun length -> (task.Optimum length).Value)
            }
    ]

/// Draws all pictures of a trained model into its run's folder. Examples are drawn at the given lengths.
let draw
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (folder: RunFolder)
    (lengths: int list)
    : unit =
    let record = folder.Record
    let rows = MetricsRows.Read<BatchReport> folder.MetricsFile |> Seq.toArray

    Charts.learningCurve
        $"{record.Model} learns {record.Task} (seed {record.Seed})"
        ($"loss, {record.LossName}", record.ScoreName)
        configuration.Training.Solved.Score
        (Option.ofNullable record.SolvedAtSequences)
        rows
        (references configuration.Task rows)
        (folder.Picture "learning-curve")

    Charts.generalisation
        $"{record.Model} on {record.Task}, seed {record.Seed}"
        record.ScoreName
        (configuration.Task.Lengths().Longest)
        record.Evaluation
        (folder.Picture "generalisation")

    for length in lengths do
        drawExample configuration model folder length
