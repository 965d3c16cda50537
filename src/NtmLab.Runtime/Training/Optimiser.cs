using System.Text.Json.Serialization;
using NtmLab.Kernels;
using NtmLab.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>
/// Moves parameters against their gradients, one step a batch. Shared by all: gradients must be finite; then each value is
/// clipped, and all together are scaled down where their norm is too large (Pascanu, Mikolov, Bengio 2013, algorithm 1):
/// <code>
/// x     = min(max(gradient, -clip), clip)
/// norm  = sqrt(sum of x^2 over all parameters)
/// x     = x min(1, clipNorm / norm)                  unless clipNorm is 0
/// </code>
/// </summary>
public abstract class Optimiser : IDisposable
{
    private readonly double _learningRate;
    private readonly double _clipNorm;
    private readonly Scalar _low;
    private readonly Scalar _high;
    private readonly string[] _names;
    private readonly List<Slot> _slots = [];

    /// <summary>Makes the optimiser with zero state.</summary>
    /// <param name="parameters">The named parameters to train.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="clip">Every gradient value is clipped to [-clip, clip].</param>
    /// <param name="clipNorm">The greatest norm of all gradients together; 0 for any.</param>
    /// <param name="state">Names of the tensors kept for each parameter, of its shape.</param>
    protected Optimiser(
        IEnumerable<(string Name, Parameter Value)> parameters,
        double learningRate,
        double clip,
        double clipNorm,
        params string[] state)
    {
        _learningRate = learningRate;
        _clipNorm = clipNorm;
        _low = (-clip).ToScalar();
        _high = clip.ToScalar();
        _names = state;
        foreach (var (name, value) in parameters)
        {
            _slots.Add(new Slot(name, value, [.. state.Select(_ => zeros_like(value).DetachFromDisposeScope())]));
        }
    }

    /// <summary>The optimiser's own tensors by name; changing their values changes its state.</summary>
    public virtual IEnumerable<(string Name, Tensor Value)> State =>
        _slots.SelectMany(slot => slot.State.Zip(_names, (value, name) => ($"{slot.Name}.{name}", value)));

    /// <summary>Moves every parameter once and clears its gradient; parameters without a gradient stay.</summary>
    /// <param name="rateFactor">The learning rate of this step, as a fraction of the configured one.</param>
    /// <exception cref="DivergenceException">A gradient is not finite; no parameter was moved.</exception>
    public void Step(double rateFactor = 1)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        RequireFinite();
        var rate = _learningRate * rateFactor;
        var scale = Scale();
        Begin();
        foreach (var (_, value, state) in _slots)
        {
            if (value.grad is not { } gradient)
            {
                continue;
            }

            if (InPlainMemory(value) && InPlainMemory(gradient))
            {
                MoveFused(TensorMemory.Values(value), TensorMemory.Values(gradient), state, rate, scale);
            }
            else
            {
                gradient.clamp_(_low, _high);
                using var factor = scale.ToScalar();
                Move(value, gradient.mul_(factor), state, rate);
                gradient.zero_();
            }
        }
    }

    /// <summary>Frees the optimiser's own tensors, all of <see cref="State"/>; the parameters live on.</summary>
    public void Dispose()
    {
        foreach (var (_, tensor) in State)
        {
            tensor.Dispose();
        }

        _low.Dispose();
        _high.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Begins a step: all gradients are finite, no parameter has moved.</summary>
    protected virtual void Begin()
    {
    }

    /// <summary>Moves one parameter of single precision on the processor, in one pass.</summary>
    /// <param name="value">Its values.</param>
    /// <param name="gradient">Its gradient, not clipped yet; to be cleared.</param>
    /// <param name="state">Its tensors, in the order of their names.</param>
    /// <param name="rate">The learning rate of this step.</param>
    /// <param name="scale">What clipped gradients are multiplied by.</param>
    protected abstract void MoveFused(
        Span<float> value, Span<float> gradient, IReadOnlyList<Tensor> state, double rate, double scale);

    /// <summary>Moves one parameter in libtorch's operations, for other types and devices.</summary>
    /// <param name="value">The parameter.</param>
    /// <param name="gradient">Its gradient, clipped and scaled.</param>
    /// <param name="state">Its tensors, in the order of their names.</param>
    /// <param name="rate">The learning rate of this step.</param>
    protected abstract void Move(Tensor value, Tensor gradient, IReadOnlyList<Tensor> state, double rate);

    private static bool InPlainMemory(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device.type == DeviceType.CPU && tensor.is_contiguous();

    private static bool IsFinite(Tensor gradient) => InPlainMemory(gradient)
        ? Finite.All(TensorMemory.Values(gradient))
        : gradient.isfinite().all().item<bool>();

    private void RequireFinite()
    {
        foreach (var (name, value, _) in _slots)
        {
            if (value.grad is { } gradient && !IsFinite(gradient))
            {
                ClearGradients();
                throw new DivergenceException(
                    $"training: the gradient of {name} is no longer finite; "
                    + "a smaller training.optimiser.learningRate usually helps.");
            }
        }
    }

    private void ClearGradients()
    {
        foreach (var slot in _slots)
        {
            slot.Value.grad?.zero_();
        }
    }

    private double Scale()
    {
        if (_clipNorm == 0)
        {
            return 1;
        }

        var square = 0.0;
        foreach (var slot in _slots)
        {
            if (slot.Value.grad is { } gradient)
            {
                square += gradient.clamp(_low, _high).to(ScalarType.Float64).square().sum().item<double>();
            }
        }

        return Math.Min(1, _clipNorm / Math.Sqrt(square));
    }

    private sealed record Slot(string Name, Parameter Value, Tensor[] State);
}

/// <summary>An optimiser's configuration.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(RmsPropOptions), "rms-prop")]
[JsonDerivedType(typeof(AdamOptions), "adam")]
public abstract record OptimiserOptions
{
    /// <summary>The learning rate.</summary>
    public double LearningRate { get; init; }

    /// <summary>Builds the optimiser.</summary>
    /// <param name="parameters">The named parameters to train.</param>
    /// <param name="clip">Every gradient value is clipped to [-clip, clip].</param>
    /// <param name="clipNorm">The greatest norm of all gradients together; 0 for any.</param>
    public abstract Optimiser Build(
        IEnumerable<(string Name, Parameter Value)> parameters, double clip, double clipNorm = 0);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public virtual void Validate() => Require.Positive("training.optimiser.learningRate", LearningRate);
}
