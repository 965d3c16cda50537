using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>Plain recurrent layers (Elman 1990): <c>h' = tanh(W_input x + b + W_hidden h)</c>.</summary>
public sealed class RnnController : Controller
{
    /// <summary>Makes the controller.</summary>
    public RnnController(int inputWidth, RnnControllerOptions options, RandomStream random)
        : base("rnn", CellKind.Rnn, inputWidth, options, random)
    {
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor? Cell) Step(int layer, Tensor fromInput, Tensor? hidden, Tensor? cell) =>
        ((fromInput + nn.functional.linear(hidden!, Get("hidden_weight", layer))).tanh(), null);
}

/// <summary>Configuration of an <see cref="RnnController"/>.</summary>
public sealed record RnnControllerOptions : ControllerOptions
{
    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) => new RnnController(inputWidth, this, random);
}
