/// Small models and inputs that several tests use.
module NtmLab.Tests.Samples

open NtmLab
open NtmLab.Models
open TorchSharp

/// Features of the input of the sample models.
let inputWidth = 3

/// Logits of the sample models.
let outputWidth = 2

let lstm (units: int) (layers: int) : ControllerOptions =
    LstmControllerOptions(Units = units, Layers = layers)

let feedForward (units: int) : ControllerOptions = FeedForwardControllerOptions(Units = units)

/// Models of every controller with one and several heads, at odd sizes.
let models: (string * NtmOptions) list = [
    "an LSTM controller", NtmOptions(Controller = lstm 5 1, Slots = 7, Width = 3)
    "a two-layer LSTM controller", NtmOptions(Controller = lstm 4 2, Slots = 5, Width = 3)
    "a GRU controller", NtmOptions(Controller = GruControllerOptions(Units = 4), Slots = 7, Width = 3)
    "a plain recurrent controller",
    NtmOptions(Controller = RnnControllerOptions(Units = 4, Layers = 2), Slots = 6, Width = 3)
    "a feed-forward controller", NtmOptions(Controller = feedForward 5, Slots = 7, Width = 3)
    "three read and two write heads",
    NtmOptions(Controller = lstm 3 1, Slots = 5, Width = 3, ReadHeads = 3, WriteHeads = 2, ShiftWidth = 5)
    "a feed-forward controller with two heads of each kind",
    NtmOptions(
        Controller = feedForward 4,
        Slots = 9,
        Width = 2,
        ReadHeads = 2,
        WriteHeads = 2,
        ShiftWidth = 5
    )
    "prices of focus and of writes",
    NtmOptions(Controller = lstm 4 1, Slots = 6, Width = 3, EntropyPrice = 0.2, WritePrice = 0.3)
]

/// Builds a sample model from a seed.
let build (seed: uint64) (options: NtmOptions) : MemoryModel =
    options.Build(inputWidth, outputWidth, RandomStream(seed, "model")) :?> MemoryModel

/// Moves every parameter away from zero, so that no path through the model is dead.
let stir (seed: uint64) (model: SequenceModel) : unit =
    use noGradient = torch.no_grad ()
    use scope = torch.NewDisposeScope()
    let random = RandomStream(seed, "stir")

    for parameter in model.parameters () do
        let noise = Tensors.uniform random -0.5 0.5 (parameter.shape |> Array.map int |> Array.toList)
        parameter.add_ (noise.``to`` parameter.dtype) |> ignore

/// A random input of single precision, `[batch, time, inputWidth]`.
let input (seed: uint64) (batch: int) (time: int) : torch.Tensor =
    (Tensors.uniform (RandomStream(seed, "input")) -1.0 1.0 [ batch; time; inputWidth ]).``to`` torch.float32
