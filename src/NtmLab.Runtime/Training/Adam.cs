using NtmLab.Kernels;
using NtmLab.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>
/// Adam (Kingma and Ba 2014, arXiv 1412.6980, algorithm 1) with decoupled weight decay (AdamW: Loshchilov and Hutter 2017,
/// arXiv 1711.05101, algorithm 2), with running means m of the plain and v of the squared gradient, in step t:
/// <code>
/// m     = beta1 m + (1 - beta1) gradient
/// v     = beta2 v + (1 - beta2) gradient^2
/// value = value - rate weightDecay value - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// </code>
/// </summary>
public sealed class Adam : Optimiser
{
    private static readonly Scalar One = 1L.ToScalar();

    private readonly AdamOptions _options;
    private readonly AdamStep _kernel;
    private readonly Tensor _count;
    private long _step;

    /// <summary>Makes the optimiser with zero state.</summary>
    /// <param name="parameters">The named parameters to train.</param>
    /// <param name="options">Rate, betas, epsilon and weight decay.</param>
    /// <param name="clip">Every gradient value is clipped to [-clip, clip] first.</param>
    /// <param name="clipNorm">The greatest norm of all gradients together; 0 for any.</param>
    public Adam(
        IEnumerable<(string Name, Parameter Value)> parameters, AdamOptions options, double clip, double clipNorm = 0)
        : base(parameters, options.LearningRate, clip, clipNorm, "mean", "mean_square")
    {
        _options = options;
        _kernel = new AdamStep
        {
            Rate = options.LearningRate,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
            Epsilon = options.Epsilon,
            WeightDecay = options.WeightDecay,
            Clip = clip,
        };
        _count = zeros(1, ScalarType.Int64).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State => base.State.Append(("step", _count));

    /// <inheritdoc/>
    protected override void Begin()
    {
        _count.add_(One);
        _step = _count.item<long>();
    }

    /// <inheritdoc/>
    protected override void MoveFused(
        Span<float> value, Span<float> gradient, IReadOnlyList<Tensor> state, double rate, double scale) =>
        (_kernel with { Rate = rate, Scale = scale, Step = _step }).Apply(
            value, gradient, TensorMemory.Values(state[0]), TensorMemory.Values(state[1]));

    /// <inheritdoc/>
    protected override void Move(Tensor value, Tensor gradient, IReadOnlyList<Tensor> state, double rate)
    {
        var (mean, meanSquare) = (state[0], state[1]);
        using Scalar beta1 = _options.Beta1.ToScalar(), rest1 = (1 - _options.Beta1).ToScalar();
        using Scalar beta2 = _options.Beta2.ToScalar(), rest2 = (1 - _options.Beta2).ToScalar();
        using var kept = (1 - (rate * _options.WeightDecay)).ToScalar();
        using var back = (-rate / (1 - Math.Pow(_options.Beta1, _step))).ToScalar();
        using var root = Math.Sqrt(1 - Math.Pow(_options.Beta2, _step)).ToScalar();
        using var epsilon = _options.Epsilon.ToScalar();
        mean.mul_(beta1).add_(gradient, rest1);
        meanSquare.mul_(beta2).addcmul_(gradient, gradient, rest2);
        var deviation = meanSquare.sqrt().div_(root).add_(epsilon);
        value.mul_(kept).addcdiv_(mean, deviation, back);
    }
}

/// <summary>Settings of <see cref="Adam"/>; the defaults are the paper's, without weight decay.</summary>
public sealed record AdamOptions : OptimiserOptions
{
    /// <summary>Makes the paper's settings.</summary>
    public AdamOptions() => LearningRate = 1e-3;

    /// <summary>How much of the running mean of the gradient is kept in each step.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>How much of the running mean of the squared gradient is kept in each step.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the running mean.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The fraction of each parameter that is taken away in each step, times the learning rate.</summary>
    public double WeightDecay { get; init; }

    /// <inheritdoc/>
    public override Optimiser Build(
        IEnumerable<(string Name, Parameter Value)> parameters, double clip, double clipNorm = 0) =>
        new Adam(parameters, this, clip, clipNorm);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Within("training.optimiser.beta1", Beta1, 0, 1);
        Require.Within("training.optimiser.beta2", Beta2, 0, 1);
        Require.Positive("training.optimiser.epsilon", Epsilon);
        Require.NotNegative("training.optimiser.weightDecay", WeightDecay);
    }
}
