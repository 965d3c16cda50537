using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// Layers <c>h = tanh(W x + b)</c>: a controller without a memory of its own, so that all it knows of the past it read from
/// the memory.
/// </summary>
public sealed class FeedForwardController : Controller
{
    /// <summary>Makes the controller.</summary>
    public FeedForwardController(int inputWidth, FeedForwardControllerOptions options, RandomStream random)
        : base("feed-forward", CellKind.FeedForward, inputWidth, options, random)
    {
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor? Cell) Step(int layer, Tensor fromInput, Tensor? hidden, Tensor? cell) =>
        (fromInput.tanh(), null);
}

/// <summary>Configuration of a <see cref="FeedForwardController"/>.</summary>
public sealed record FeedForwardControllerOptions : ControllerOptions
{
    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) =>
        new FeedForwardController(inputWidth, this, random);
}
