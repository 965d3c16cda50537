using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// One hidden layer, <c>h = tanh(W x + b)</c>: a controller without a memory of its own, so that all it knows of the past it
/// read from the memory.
/// </summary>
public sealed class FeedForwardController : Controller
{
    /// <summary>Makes the controller.</summary>
    public FeedForwardController(int inputWidth, FeedForwardControllerOptions options, RandomStream random)
        : base("feed-forward", inputWidth, options.Units)
    {
        register_parameter("input_weight", Initialisation.Xavier(random, options.Units, inputWidth));
        register_parameter("bias", Initialisation.Constant(0, options.Units));
    }

    /// <inheritdoc/>
    public override long StateSize => 0;

    /// <inheritdoc/>
    public override long MultiplyAddsPerStep => (long)Units * InputWidth;

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Start(long batch) => [];

    /// <inheritdoc/>
    public override (Tensor Output, IReadOnlyList<Tensor> State) Step(Tensor input, IReadOnlyList<Tensor> state) =>
        (nn.functional.linear(input, get_parameter("input_weight")!, get_parameter("bias")!).tanh(), state);
}

/// <summary>Configuration of a <see cref="FeedForwardController"/>.</summary>
public sealed record FeedForwardControllerOptions : ControllerOptions
{
    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) =>
        new FeedForwardController(inputWidth, this, random);
}
