/// Parameters with gradients that a test chooses.
module NtmLab.Tests.Training.Gradients

open NtmLab.Tests
open NtmLab.Training
open TorchSharp
open TorchSharp.Modules

/// A parameter of double precision.
let parameter (values: float[]) : Parameter = new Parameter(torch.tensor values)

/// An optimiser of parameters named p0, p1, ...
let build
    (options: OptimiserOptions)
    (clip: float)
    (clipNorm: float)
    (parameters: Parameter list)
    : Optimiser =
    options.Build(
        [| for i, parameter in List.indexed parameters -> struct ($"p{i}", parameter) |],
        clip,
        clipNorm
    )

/// Adds to a parameter's gradient.
let give (gradient: float[]) (parameter: Parameter) : unit =
    // A backward pass of a linear function gives exactly its weights as gradient.
    (parameter * (torch.tensor gradient).``to`` parameter.dtype).sum().backward()

/// Takes a step with each gradient.
let steps (optimiser: Optimiser) (parameter: Parameter) (gradients: float[] list) : unit =
    for gradient in gradients do
        give gradient parameter
        optimiser.Step()

/// An optimiser's state to the bit.
let stateBits (optimiser: Optimiser) : (string * byte[]) list = [
    for struct (name, value) in optimiser.State -> name, Tensors.bits value
]
