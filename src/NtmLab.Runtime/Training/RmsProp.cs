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
public sealed class RmsProp : IDisposable
{
    private readonly RmsPropOptions _options;
    private readonly double _clip;
    private readonly RmsPropStep _kernel;
    private readonly List<Slot> _slots = [];

    /// <summary>Makes the optimiser with zero state.</summary>
    /// <param name="parameters">The named parameters to train.</param>
    /// <param name="options">Rate, decay, momentum and epsilon.</param>
    /// <param name="clip">Every gradient value is clipped to [-clip, clip] first.</param>
    public RmsProp(IEnumerable<(string Name, Parameter Value)> parameters, RmsPropOptions options, double clip)
    {
        _options = options;
        _clip = clip;
        _kernel = new RmsPropStep
        {
            Rate = (float)options.LearningRate,
            Decay = (float)options.Decay,
            Momentum = (float)options.Momentum,
            Epsilon = (float)options.Epsilon,
            Clip = (float)clip,
        };
        foreach (var (name, value) in parameters)
        {
            _slots.Add(new Slot(
                name,
                value,
                zeros_like(value).DetachFromDisposeScope(),
                zeros_like(value).DetachFromDisposeScope(),
                zeros_like(value).DetachFromDisposeScope()));
        }
    }

    /// <summary>The optimiser's own tensors by name; changing their values changes its state.</summary>
    public IEnumerable<(string Name, Tensor Value)> State
    {
        get
        {
            foreach (var slot in _slots)
            {
                yield return ($"{slot.Name}.mean_square", slot.MeanSquare);
                yield return ($"{slot.Name}.mean", slot.Mean);
                yield return ($"{slot.Name}.delta", slot.Delta);
            }
        }
    }

    /// <summary>Moves every parameter once and clears its gradient; parameters without a gradient stay.</summary>
    /// <exception cref="DivergenceException">A gradient is not finite; no parameter was moved.</exception>
    public void Step()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (name, value, _, _, _) in _slots)
        {
            if (value.grad is { } gradient && !IsFinite(gradient))
            {
                ClearGradients();
                throw new DivergenceException(
                    $"training: the gradient of {name} is no longer finite; "
                    + "a smaller training.optimiser.learningRate usually helps.");
            }
        }

        foreach (var slot in _slots)
        {
            if (slot.Value.grad is not { } gradient)
            {
                continue;
            }

            if (InPlainMemory(slot.Value) && InPlainMemory(gradient))
            {
                _kernel.Apply(
                    TensorMemory.Values(slot.Value),
                    TensorMemory.Values(gradient),
                    TensorMemory.Values(slot.MeanSquare),
                    TensorMemory.Values(slot.Mean),
                    TensorMemory.Values(slot.Delta));
            }
            else
            {
                Move(slot, gradient);
            }
        }
    }

    private static bool InPlainMemory(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device.type == DeviceType.CPU && tensor.is_contiguous();

    private static bool IsFinite(Tensor gradient) => InPlainMemory(gradient)
        ? Finite.All(TensorMemory.Values(gradient))
        : gradient.isfinite().all().item<bool>();

    /// <summary>The same step in libtorch's operations, for other types and devices.</summary>
    private void Move(Slot slot, Tensor gradient)
    {
        var (_, value, meanSquare, mean, delta) = slot;
        gradient.clamp_(-_clip, _clip);
        meanSquare.mul_(_options.Decay).addcmul_(gradient, gradient, 1 - _options.Decay);
        mean.mul_(_options.Decay).add_(gradient, alpha: 1 - _options.Decay);
        // Rounding can bring the variance of steady gradients a little below 0, where it has no root.
        var variance = meanSquare.addcmul(mean, mean, -1).clamp_min_(0);
        var deviation = variance.add_(_options.Epsilon).sqrt_();
        delta.mul_(_options.Momentum).addcdiv_(gradient, deviation, -_options.LearningRate);
        value.add_(delta);
        gradient.zero_();
    }

    private void ClearGradients()
    {
        foreach (var (_, value, _, _, _) in _slots)
        {
            value.grad?.zero_();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, _, meanSquare, mean, delta) in _slots)
        {
            meanSquare.Dispose();
            mean.Dispose();
            delta.Dispose();
        }
    }

    private sealed record Slot(string Name, Parameter Value, Tensor MeanSquare, Tensor Mean, Tensor Delta);
}

/// <summary>Settings of <see cref="RmsProp"/>; the defaults are the paper's.</summary>
public sealed record RmsPropOptions
{
    /// <summary>The learning rate.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>How much of the running means is kept in each step.</summary>
    public double Decay { get; init; } = 0.95;

    /// <summary>How much of the last step is repeated.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Added to the variance under the root.</summary>
    public double Epsilon { get; init; } = 1e-4;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public void Validate()
    {
        Require.Positive("training.optimiser.learningRate", LearningRate);
        Require.Within("training.optimiser.decay", Decay, 0, 1);
        Require.Within("training.optimiser.momentum", Momentum, 0, 1);
        Require.Positive("training.optimiser.epsilon", Epsilon);
    }
}
