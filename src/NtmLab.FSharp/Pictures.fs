/// Draws what a run leaves behind: its learning curve, an example, what the heads did, and scores by length.
module NtmLab.Pictures

open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Runs
open NtmLab.Training
open TorchSharp

/// The first sequence of a tensor `[batch, time, feature]` as an array `[feature, time]`.
let private firstSequence (tensor: torch.Tensor) : float32[,] =
    use _scope = torch.NewDisposeScope()
    let plain = tensor[0L].detach().``to``(torch.ScalarType.Float32).cpu().t().contiguous()
    let rows, columns = int plain.shape[0], int plain.shape[1]
    let values = plain.data<float32>().ToArray()
    Array2D.init rows columns (fun row column -> values[row * columns + column])

let private drawExample
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (folder: RunFolder)
    length
    =
    use _scope = torch.NewDisposeScope()
    use _noGradient = torch.no_grad ()
    let random = RandomStream(configuration.Seed, "picture", uint64 length)
    let device = (Seq.head (model.parameters ())).device
    let batch = configuration.Task.Generate(random, 1, length).To device
    let trace = HeadTrace()
    let output = model.Forward(batch.Input, trace).sigmoid() * batch.Mask.unsqueeze -1L
    let input, target, output = firstSequence batch.Input, firstSequence batch.Target, firstSequence output
    let title = $"{folder.Record.Model} on {folder.Record.Task}, length {length}"
    let error = Array2D.mapi (fun row column value -> value - target[row, column]) output

    Charts.panels
        title
        [ "input", input; "target", target; "output", output; "error", error ]
        (folder.Picture $"example-{length}")

    if trace.Steps.Count > 0 then
        Charts.heads title input output trace.Steps (folder.Picture $"heads-{length}")

/// Draws all pictures of a trained model into its run's folder. Examples are drawn at the given lengths.
let draw
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (folder: RunFolder)
    (lengths: int list)
    : unit =
    let record = folder.Record

    Charts.learningCurve
        $"{record.Model} learns {record.Task} (seed {record.Seed})"
        record.ScoreName
        configuration.Training.Solved.Score
        (Option.ofNullable record.SolvedAtSequences)
        (MetricsRows.Read<BatchReport> folder.MetricsFile)
        (folder.Picture "learning-curve")

    Charts.generalisation
        $"{record.Model} on {record.Task}, seed {record.Seed}"
        record.ScoreName
        (configuration.Task.LongestTrained())
        record.Evaluation
        (folder.Picture "generalisation")

    for length in lengths do
        drawExample configuration model folder length
