using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The parameters that a fused engine computes with, looked up in their module each time, as moving a module puts other
/// tensors in their place; on the processor, of type float32.
/// </summary>
/// <param name="module">The module.</param>
/// <param name="parts">Their paths in the module, in the order that the engine wants, and their shapes.</param>
internal sealed class FusedParameters(nn.Module module, IReadOnlyList<NetworkPart> parts) : IDisposable
{
    private readonly List<float[]> _known = [];
    private long _version;

    /// <summary>How many.</summary>
    public int Count => parts.Count;

    /// <summary>As they are now.</summary>
    public IReadOnlyList<Tensor> Current => [.. parts.Select(Find)];

    /// <summary>Requires a tensor to hold finite numbers only.</summary>
    /// <exception cref="DivergenceException">It does not.</exception>
    public static void RequireFinite(string owner, string what, Tensor values)
    {
        using var contiguous = values.detach().contiguous();
        if (!Finite.All(TensorMemory.Values(contiguous)))
        {
            throw new DivergenceException(
                $"{owner}: {what} holds a number that is not finite; "
                + "a smaller training.optimiser.learningRate usually helps.");
        }
    }

    /// <summary>Requires every parameter to hold finite numbers only.</summary>
    /// <exception cref="DivergenceException">One does not; the message names it.</exception>
    public void RequireFinite(string owner)
    {
        foreach (var part in parts)
        {
            RequireFinite(owner, $"parameter '{part.Name}'", Find(part));
        }
    }

    /// <summary>
    /// A number that changes whenever a value has, and is never 0: what was prepared for it serves as long as it stays. The
    /// values are compared, since they may be changed in many ways; it costs as much as reading them.
    /// </summary>
    /// <exception cref="DivergenceException">A value has become infinite or not a number.</exception>
    public long Version(string owner)
    {
        var same = _known.Count == parts.Count;
        for (var i = 0; same && i < _known.Count; i++)
        {
            same = TensorMemory.Values(Find(parts[i])).SequenceEqual(_known[i]);
        }

        if (!same)
        {
            RequireFinite(owner);
            _known.Clear();
            _known.AddRange(parts.Select(part => TensorMemory.Values(Find(part)).ToArray()));
            _version++;
        }

        return _version;
    }

    /// <inheritdoc/>
    public void Dispose() => _known.Clear();

    private Tensor Find(NetworkPart part) =>
        Shape.Require($"model '{module.GetName()}'", $"parameter '{part.Name}'", module.get_parameter(part.Name)!, part.Shape);
}
