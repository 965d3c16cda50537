using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// A policy's state as tensors with names; it is never changed, only replaced by another. Two names have a meaning of their own:
/// <c>price</c> <c>[batch]</c> is <see cref="PolicyState.Price"/>, and what is greater than 0 in <c>strength</c>
/// <c>[batch, slots]</c> counts as <see cref="PolicyState.SlotsUsed"/>.
/// </summary>
public sealed record NamedState : PolicyState
{
    /// <summary>What saving has cost so far, <c>[batch]</c>.</summary>
    public const string PriceName = "price";

    /// <summary>How strongly each slot is held, 0 where it is empty, <c>[batch, slots]</c>.</summary>
    public const string StrengthName = "strength";

    private readonly IReadOnlyList<(string Name, Tensor Value)> _parts;

    /// <summary>Makes a state.</summary>
    /// <param name="parts">Names and their tensors; the first dimension of each is the batch.</param>
    public NamedState(params IEnumerable<(string Name, Tensor Value)> parts)
    {
        _parts = [.. parts];
    }

    /// <inheritdoc/>
    public override IEnumerable<Tensor> Tensors => _parts.Select(part => part.Value);

    /// <inheritdoc/>
    public override Tensor? Price => Find(PriceName);

    /// <inheritdoc/>
    public override Tensor? SlotsUsed => Find(StrengthName) is { } strength ? strength.gt(Constants.Zero).sum(-1) : null;

    /// <inheritdoc/>
    public override IEnumerable<string> Names => _parts.Select(part => part.Name);

    /// <summary>A tensor by its name.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public Tensor this[string name] => Find(name)
        ?? throw new ArgumentException($"the state holds no '{name}', only {string.Join(", ", Names)}.");

    /// <summary>The same state with another tensor under a name that it holds.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public NamedState Set(string name, Tensor value)
    {
        _ = this[name];
        return new NamedState(_parts.Select(part => part.Name == name ? (name, value) : part));
    }

    /// <inheritdoc/>
    public override PolicyState With(IReadOnlyList<Tensor> tensors) =>
        new NamedState(_parts.Select((part, i) => (part.Name, tensors[i])));

    private Tensor? Find(string name) => _parts.FirstOrDefault(part => part.Name == name).Value;
}
