using NtmLab.Kernels;
using NtmLab.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>
/// RMSProp as published with the Neural Turing Machine: the form of Graves 2013 (arXiv 1308.0850, equations 38 to 41), with
/// running means n of the squared and g of the plain gradient and a momentum on the step:
/// <code>
/// n     = decay n + (1 - decay) gradient^2
/// g     = decay g + (1 - decay) gradient
/// delta = momentum delta - rate gradient / sqrt(n - g^2 + epsilon)
/// value = value + delta
/// </code>
/// </summary>
public sealed class RmsProp : Optimiser
{
    private static readonly Scalar Zero = 0.0.ToScalar();
    private static readonly Scalar MinusOne = (-1.0).ToScalar();

    private readonly RmsPropOptions _options;
    private readonly RmsPropStep _kernel;

    /// <summary>Makes the optimiser with zero state.</summary>
    /// <param name="parameters">The named parameters to train.</param>
    /// <param name="options">Rate, decay, momentum and epsilon.</param>
    /// <param name="clip">Every gradient value is clipped to [-clip, clip] first.</param>
    /// <param name="clipNorm">The greatest norm of all gradients together; 0 for any.</param>
    public RmsProp(
        IEnumerable<(string Name, Parameter Value)> parameters, RmsPropOptions options, double clip, double clipNorm = 0)
        : base(parameters, options.LearningRate, clip, clipNorm, "mean_square", "mean", "delta")
    {
        _options = options;
        _kernel = new RmsPropStep
        {
            Rate = (float)options.LearningRate,
            Decay = (float)options.Decay,
            Momentum = (float)options.Momentum,
            Epsilon = (float)options.Epsilon,
            Clip = (float)clip,
        };
    }

    /// <inheritdoc/>
    protected override void MoveFused(
        Span<float> value, Span<float> gradient, IReadOnlyList<Tensor> state, double rate, double scale) =>
        (_kernel with { Rate = (float)rate, Scale = (float)scale }).Apply(
            value,
            gradient,
            TensorMemory.Values(state[0]),
            TensorMemory.Values(state[1]),
            TensorMemory.Values(state[2]));

    /// <inheritdoc/>
    protected override void Move(Tensor value, Tensor gradient, IReadOnlyList<Tensor> state, double rate)
    {
        var (meanSquare, mean, delta) = (state[0], state[1], state[2]);
        using Scalar decay = _options.Decay.ToScalar(), rest = (1 - _options.Decay).ToScalar();
        using Scalar momentum = _options.Momentum.ToScalar(), epsilon = _options.Epsilon.ToScalar();
        using var back = (-rate).ToScalar();
        meanSquare.mul_(decay).addcmul_(gradient, gradient, rest);
        mean.mul_(decay).add_(gradient, rest);
        // Rounding can bring the variance of steady gradients a little below 0, where it has no root.
        var variance = meanSquare.addcmul(mean, mean, MinusOne).clamp_min_(Zero);
        var deviation = variance.add_(epsilon).sqrt_();
        delta.mul_(momentum).addcdiv_(gradient, deviation, back);
        value.add_(delta);
    }
}

/// <summary>Settings of <see cref="RmsProp"/>; the defaults are the paper's.</summary>
public sealed record RmsPropOptions : OptimiserOptions
{
    /// <summary>Makes the paper's settings.</summary>
    public RmsPropOptions() => LearningRate = 1e-4;

    /// <summary>How much of the running means is kept in each step.</summary>
    public double Decay { get; init; } = 0.95;

    /// <summary>How much of the last step is repeated.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Added to the variance under the root.</summary>
    public double Epsilon { get; init; } = 1e-4;

    /// <inheritdoc/>
    public override Optimiser Build(
        IEnumerable<(string Name, Parameter Value)> parameters, double clip, double clipNorm = 0) =>
        new RmsProp(parameters, this, clip, clipNorm);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Within("training.optimiser.decay", Decay, 0, 1);
        Require.Within("training.optimiser.momentum", Momentum, 0, 1);
        Require.Positive("training.optimiser.epsilon", Epsilon);
    }
}
