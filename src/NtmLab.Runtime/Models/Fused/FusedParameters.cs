using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The parameters that a fused engine computes with, looked up in their module each time, as moving a module puts other
/// tensors in their place; on the processor, of type float32.
/// </summary>
internal sealed class FusedParameters : IDisposable
{
    private readonly nn.Module _module;
    private readonly IReadOnlyList<NetworkPart> _parts;
    private readonly List<float[]> _known = [];
    private long _version;

    /// <summary>Finds them.</summary>
    /// <param name="module">The module.</param>
    /// <param name="parts">Their paths in the module, in the order that the engine wants, and their shapes.</param>
    /// <exception cref="ShapeException">One has another shape.</exception>
    public FusedParameters(nn.Module module, IReadOnlyList<NetworkPart> parts)
    {
        _module = module;
        _parts = parts;
        foreach (var (part, values) in parts.Zip(Current))
        {
            Shape.Require($"model '{module.GetName()}'", $"parameter '{part.Name}'", values, part.Shape);
        }
    }

    /// <summary>As they are now.</summary>
    public IReadOnlyList<Tensor> Current => [.. _parts.Select(part => (Tensor)_module.get_parameter(part.Name)!)];

    /// <summary>Requires a tensor to hold finite numbers only.</summary>
    /// <exception cref="DivergenceException">It does not.</exception>
    public static void RequireFinite(string owner, string what, Tensor values)
    {
        var contiguous = TensorMemory.Contiguous(values);
        if (!Finite.All(TensorMemory.Values(contiguous)))
        {
            throw new DivergenceException(
                $"{owner}: {what} holds a number that is not finite; "
                + "a smaller training.optimiser.learningRate usually helps.");
        }
    }

    /// <summary>Requires every parameter to hold finite numbers only.</summary>
    /// <exception cref="DivergenceException">One does not; the message names it.</exception>
    public void RequireFinite(string owner, IReadOnlyList<Tensor> current)
    {
        for (var i = 0; i < _parts.Count; i++)
        {
            RequireFinite(owner, $"parameter '{_parts[i].Name}'", current[i]);
        }
    }

    /// <summary>
    /// A number that changes whenever a value has, and is never 0: what was prepared for it serves as long as it stays. The
    /// values are compared, since they may be changed in many ways; it costs as much as reading them.
    /// </summary>
    /// <exception cref="DivergenceException">A value has become infinite or not a number.</exception>
    public long Version(string owner, IReadOnlyList<Tensor> current)
    {
        var same = _known.Count == current.Count;
        for (var i = 0; same && i < _known.Count; i++)
        {
            same = TensorMemory.Values(current[i]).SequenceEqual(_known[i]);
        }

        if (!same)
        {
            RequireFinite(owner, current);
            _known.Clear();
            _known.AddRange(current.Select(values => TensorMemory.Values(values).ToArray()));
            _version++;
        }

        return _version;
    }

    /// <inheritdoc/>
    public void Dispose() => _known.Clear();
}
