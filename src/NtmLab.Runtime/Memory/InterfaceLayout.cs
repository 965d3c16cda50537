using TorchSharp;

namespace NtmLab.Memory;

/// <summary>
/// How the values a policy gets from the controller are laid out: named parts, each <c>heads x width</c> values, one after
/// the other. The sum of all parts is the policy's interface size.
/// </summary>
public sealed class InterfaceLayout
{
    private readonly List<(string Name, int Heads, int Width)> _parts = [];

    /// <summary>The number of values of all parts together.</summary>
    public int Size { get; private set; }

    /// <summary>The names of the parts, in order.</summary>
    public IEnumerable<string> Names => _parts.Select(part => part.Name);

    /// <summary>Appends a part.</summary>
    /// <param name="name">Its name, e.g. <c>read.key</c>.</param>
    /// <param name="heads">How many heads have one.</param>
    /// <param name="width">How many values each head gets.</param>
    /// <returns>This layout, for chaining.</returns>
    /// <exception cref="ConfigurationException">There is a part of that name, or it would hold no values.</exception>
    public InterfaceLayout Add(string name, int heads, int width)
    {
        Require.AtLeast($"interface part '{name}': heads", heads, 1);
        Require.AtLeast($"interface part '{name}': width", width, 1);
        if (Names.Contains(name))
        {
            throw new ConfigurationException($"interface part '{name}': is there already; each part has a name of its own.");
        }

        _parts.Add((name, heads, width));
        Size += heads * width;
        return this;
    }

    /// <summary>The values of one part among those of all, <c>[size]</c>.</summary>
    public Span<float> Part(string name, Span<float> values)
    {
        var start = 0;
        foreach (var part in _parts)
        {
            if (part.Name == name)
            {
                return values.Slice(start, part.Heads * part.Width);
            }

            start += part.Heads * part.Width;
        }

        throw new ArgumentException($"there is no part '{name}'.", nameof(name));
    }

    /// <summary>Cuts interface values <c>[batch, size]</c> into the parts, each <c>[batch, heads, width]</c>.</summary>
    /// <param name="owner">The policy's name, for messages.</param>
    /// <param name="values">The controller's values, <c>[batch, size]</c>.</param>
    /// <returns>The parts by name; the name of a part that is not there is a <see cref="ConfigurationException"/>.</returns>
    /// <exception cref="ShapeException">The number of values is not the layout's size.</exception>
    public IReadOnlyDictionary<string, torch.Tensor> Split(string owner, torch.Tensor values)
    {
        Shape.Require(owner, "interface values [batch, size]", values, Shape.Any, Size);
        var parts = new Dictionary<string, torch.Tensor>(_parts.Count);
        var start = 0L;
        foreach (var (name, heads, width) in _parts)
        {
            parts[name] = values.narrow(1, start, heads * width).view(-1, heads, width);
            start += heads * width;
        }

        return new InterfaceValues(owner, parts);
    }
}
