namespace NtmLab

open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training

/// An experiment while its block is being read.
type ExperimentDraft = {
    Name: string
    Summary: string
    Seed: uint64
    Compute: ComputeOptions
    Task: SequenceTask option
    Model: ModelOptions option
    Training: TrainingOptions
    Evaluation: EvaluationOptions
}

/// Reads an `experiment "name" { ... }` block: one line an ingredient, in any order.
type ExperimentBuilder(name: string) =
    member _.Yield(_: unit) : ExperimentDraft = {
        Name = name
        Summary = ""
        Seed = 1UL
        Compute = ComputeOptions()
        Task = None
        Model = None
        Training = TrainingOptions()
        Evaluation = EvaluationOptions()
    }

    /// One sentence: what the experiment shows.
    [<CustomOperation "summary">]
    member _.Summary(draft: ExperimentDraft, text: string) = { draft with Summary = text }

    /// Decides every random number of the run (default 1).
    [<CustomOperation "seed">]
    member _.Seed(draft: ExperimentDraft, seed: int) = { draft with Seed = uint64 seed }

    /// Device, engine and threads.
    [<CustomOperation "compute">]
    member _.Compute(draft: ExperimentDraft, options: ComputeOptions) = { draft with Compute = options }

    /// The task; needed.
    [<CustomOperation "task">]
    member _.Task(draft: ExperimentDraft, task: SequenceTask) = { draft with Task = Some task }

    /// The model; needed.
    [<CustomOperation "model">]
    member _.Model(draft: ExperimentDraft, options: ModelOptions) = { draft with Model = Some options }

    /// Task, model and optimiser of a published experiment, by the name that `ntmlab list presets` gives; later lines may
    /// change them. A later `training` brings an optimiser of its own, so write its line before this one.
    [<CustomOperation "preset">]
    member _.Preset(draft: ExperimentDraft, name: string) =
        let preset = Preset.Find name

        {
            draft with
                Task = Some preset.Task
                Model = Some preset.Model
                Training = preset.Train draft.Training
        }

    /// Budget, optimiser and schedule.
    [<CustomOperation "training">]
    member _.Training(draft: ExperimentDraft, options: TrainingOptions) = { draft with Training = options }

    /// The lengths that are scored.
    [<CustomOperation "evaluation">]
    member _.Evaluation(draft: ExperimentDraft, options: EvaluationOptions) = {
        draft with
            Evaluation = options
    }

    member _.Run(draft: ExperimentDraft) : ExperimentConfiguration =
        let needed ingredient example value =
            match value with
            | Some value -> value
            | None ->
                raise (
                    ConfigurationException
                        $"experiment '{draft.Name}': no {ingredient} is given; add a line such as '{ingredient} ({example})'."
                )

        ExperimentConfiguration(
            Name = draft.Name,
            Summary = draft.Summary,
            Seed = draft.Seed,
            Compute = draft.Compute,
            Task = needed "task" "CopyTask()" draft.Task,
            Model = needed "model" "NtmOptions()" draft.Model,
            Training = draft.Training,
            Evaluation = draft.Evaluation
        )

/// The words of the experiment language.
[<AutoOpen>]
module Language =

    /// Describes an experiment: `experiment "copy" { task (CopyTask()); model (NtmOptions()) }`.
    let experiment (name: string) : ExperimentBuilder = ExperimentBuilder name

    /// An LSTM controller of one layer.
    let lstm (units: int) : ControllerOptions = LstmControllerOptions(Units = units)

    /// A feed-forward controller of one layer.
    let feedForward (units: int) : ControllerOptions = FeedForwardControllerOptions(Units = units)
