namespace NtmLab.Kernels;

/// <summary>The sizes of a sparse access memory.</summary>
/// <param name="Inputs">Features of the input in each step.</param>
/// <param name="Outputs">Logits in each step.</param>
/// <param name="Controller">What the controller's layers compute.</param>
/// <param name="Layers">How many layers it has.</param>
/// <param name="Units">The width of each.</param>
/// <param name="Slots">Memory slots N.</param>
/// <param name="Width">Width M of a slot.</param>
/// <param name="ReadHeads">Heads H, each of which reads and writes.</param>
/// <param name="Nearest">Slots K that a head reads in each step; at most N.</param>
/// <param name="Blank">
/// The value of every memory cell before the first step; with it the network starts memory, weightings and usage by itself, and
/// holds the slots that were touched only. Null if slots start with contents of their own.
/// </param>
public sealed record SparseShape(
    int Inputs,
    int Outputs,
    CellKind Controller,
    int Layers,
    int Units,
    int Slots,
    int Width,
    int ReadHeads,
    int Nearest,
    float? Blank) : MemoryShape
{
    /// <summary>Where the weightings of the read heads stand among what addressing carries, <c>[read heads, slots]</c>.</summary>
    internal const int ReadWeightings = 0;

    /// <summary>Where usage stands, <c>[1, slots]</c>.</summary>
    internal const int Usage = 1;

    /// <summary>
    /// Slots held up to which each read looks at every slot; 0 or more. With more an approximate index is made where it pays, and if
    /// its library loads: <see cref="SlotIndexLibrary"/>. By default never.
    /// </summary>
    public int IndexAbove { get; init; } = int.MaxValue;

    /// <summary>Every head's, and last the one that erases.</summary>
    public override int Writes => ReadHeads + 1;

    /// <inheritdoc/>
    public override int InterfaceSize => ReadHeads * ((2 * Width) + 3);

    /// <inheritdoc/>
    public override int KnownParts => Blank is null ? 0 : 3;

    /// <inheritdoc/>
    private protected override IReadOnlyList<NetworkPart> AddressingState =>
    [
        new("read weightings", ReadHeads, Slots),
        new("usage", 1, Slots),
    ];

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        RequirePositive((nameof(Nearest), Nearest));
        foreach (var (name, value) in new[] { (nameof(Nearest), Nearest), (nameof(ReadHeads), ReadHeads) })
        {
            if (value > Slots)
            {
                throw new ArgumentException($"{name}: {value} is not allowed; at most the number of slots is.");
            }
        }
    }

    /// <inheritdoc/>
    internal override Network<T> Build<T>() => new SparseNetwork<T>(this);
}
