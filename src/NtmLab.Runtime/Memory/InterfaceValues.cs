using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchSharp;

namespace NtmLab.Memory;

/// <summary>What a controller says, by the parts of an <see cref="InterfaceLayout"/>, each <c>[batch, heads, width]</c>.</summary>
/// <param name="owner">The policy's name, for messages.</param>
/// <param name="parts">The parts by name.</param>
internal sealed class InterfaceValues(string owner, IReadOnlyDictionary<string, torch.Tensor> parts)
    : IReadOnlyDictionary<string, torch.Tensor>
{
    public IEnumerable<string> Keys => parts.Keys;

    public IEnumerable<torch.Tensor> Values => parts.Values;

    public int Count => parts.Count;

    /// <exception cref="ConfigurationException">There is no such part.</exception>
    public torch.Tensor this[string key] => parts.TryGetValue(key, out var part)
        ? part
        : throw new ConfigurationException(
            $"{owner}: there is no part '{key}'; the interface has {string.Join(", ", parts.Keys)}.");

    public bool ContainsKey(string key) => parts.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out torch.Tensor value) => parts.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, torch.Tensor>> GetEnumerator() => parts.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
