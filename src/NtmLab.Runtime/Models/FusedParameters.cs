using NtmLab.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The parameters that a fused engine computes with, looked up in their module each time, as moving a module puts other
/// tensors in their place; on the processor, of type float32.
/// </summary>
internal sealed class FusedParameters : IDisposable
{
    private readonly IReadOnlyList<(string Name, Func<Parameter> Find)> _parameters;
    private readonly List<float[]> _known = [];
    private long _version;

    /// <summary>Names them, in the order that the engine wants.</summary>
    public FusedParameters(IEnumerable<(string Name, Func<Parameter> Find)> parameters) => _parameters = [.. parameters];

    /// <summary>How many.</summary>
    public int Count => _parameters.Count;

    /// <summary>As they are now.</summary>
    public IReadOnlyList<Tensor> Current => [.. _parameters.Select(parameter => (Tensor)parameter.Find())];

    /// <summary>Requires a tensor to hold finite numbers only.</summary>
    /// <exception cref="DivergenceException">It does not.</exception>
    public static void RequireFinite(string model, string what, Tensor values)
    {
        using var contiguous = values.detach().contiguous();
        if (!Finite.All(TensorMemory.Values(contiguous)))
        {
            throw new DivergenceException(
                $"model '{model}': {what} holds a number that is not finite; "
                + "a smaller training.optimiser.learningRate usually helps.");
        }
    }

    /// <summary>Requires every parameter to hold finite numbers only.</summary>
    /// <exception cref="DivergenceException">One does not; the message names it.</exception>
    public void RequireFinite(string model)
    {
        foreach (var (name, find) in _parameters)
        {
            RequireFinite(model, $"parameter '{name}'", find());
        }
    }

    /// <summary>
    /// A number that changes whenever a value has, and is never 0: what was prepared for it serves as long as it stays. The
    /// values are compared, since they may be changed in many ways; it costs as much as reading them.
    /// </summary>
    /// <exception cref="DivergenceException">A value has become infinite or not a number.</exception>
    public long Version(string model)
    {
        var same = _known.Count == _parameters.Count;
        for (var i = 0; same && i < _known.Count; i++)
        {
            same = TensorMemory.Values(_parameters[i].Find()).SequenceEqual(_known[i]);
        }

        if (!same)
        {
            RequireFinite(model);
            _known.Clear();
            _known.AddRange(_parameters.Select(parameter => TensorMemory.Values(parameter.Find()).ToArray()));
            _version++;
        }

        return _version;
    }

    /// <inheritdoc/>
    public void Dispose() => _known.Clear();
}
