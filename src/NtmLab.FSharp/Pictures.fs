/// Draws what a run leaves behind: its learning curve, an example, what the heads did, and scores by length.
module NtmLab.Pictures

open System.Collections.Generic
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Runs
open NtmLab.Tasks
open NtmLab.Training
open TorchSharp

/// Values of state, over all steps, up to which heads are traced: a picture of more shows nothing, and takes all memory there is.
let private traced = 2e8

/// The most steps of an example that is drawn: a picture has fewer columns of pixels than that.
let private drawn = 4096L

/// The sequence of a length that a run's pictures show, on a model's device.
let example (configuration: ExperimentConfiguration) (model: SequenceModel) (length: int) : SequenceBatch =
    let random = RandomStream(configuration.Seed, "picture", uint64 length)
    let device = (Seq.head (model.parameters ())).device

    configuration.Task.Generate(BatchRequest(random, configuration.Seed, 0L, 1, length, true)).To device

let private drawBatch
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (folder: RunFolder)
    (length: int)
    (batch: SequenceBatch)
    =
    let task = configuration.Task
    let trace = HeadTrace()
    use evaluated = new EvaluatedModel(model, configuration.Evaluation.SlotsPerStep)
    evaluated.MakeRoom batch.Input.shape[1]

    let isTraced = float model.StateSize * float batch.Input.shape[1] <= traced

    let logits =
        if isTraced then
            model.Forward(batch.Input, trace)
        else
            model.Forward batch.Input

    let answers = task.Output().Answers logits * batch.Mask.unsqueeze -1L

    let input, target, output =
        Example.inputs task batch, Example.wanted task batch, Example.firstSequence answers

    let title = $"{folder.Record.Model} on {folder.Record.Task}, length {length}"
    let error = Array2D.mapi (fun row column value -> value - target[row, column]) output

    let panel name values channels : Heatmaps.Panel = { Name = name; Values = values; Channels = channels }

    let outputs = Example.outputNames task

    Heatmaps.panels
        title
        [
            panel "input" input (Example.inputNames task)
            panel "target" target outputs
            panel "output" output outputs
            panel "error" error outputs
        ]
        (folder.Picture $"example-{length}")

    if trace.Steps.Count > 0 then
        Heatmaps.heads title input output trace.Steps (folder.Picture $"heads-{length}")

        HeadTraceFile.Write(
            folder.Trace $"heads-{length}",
            trace,
            dict [ "input", input; "target", target; "output", output ] |> Dictionary,
            HeadTraceFile.Memory(model, batch.Input)
        )
        |> ignore

let private drawExample
    (configuration: ExperimentConfiguration)
    (model: SequenceModel)
    (folder: RunFolder)
    length
    =
    use _scope = torch.NewDisposeScope()
    use _noGradient = torch.no_grad ()
    let batch = example configuration model length

    if batch.Input.shape[1] <= drawn then
        drawBatch configuration model folder length batch

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

/// Draws all pictures of a trained model into its run's folder. Examples are drawn at the given lengths, those of more steps than a
/// picture shows left out.
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
