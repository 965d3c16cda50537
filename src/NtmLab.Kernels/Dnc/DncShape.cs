namespace NtmLab.Kernels;

/// <summary>The sizes of a Differentiable Neural Computer.</summary>
/// <param name="Inputs">Features of the input in each step.</param>
/// <param name="Outputs">Logits in each step.</param>
/// <param name="Controller">What the controller's layers compute.</param>
/// <param name="Layers">How many layers it has.</param>
/// <param name="Units">The width H of each.</param>
/// <param name="Slots">Memory slots N.</param>
/// <param name="Width">Width M of a slot.</param>
/// <param name="ReadHeads">Read heads R.</param>
/// <param name="Links">Whether the order of writes is kept, which the read heads may follow.</param>
public sealed record DncShape(
    int Inputs,
    int Outputs,
    CellKind Controller,
    int Layers,
    int Units,
    int Slots,
    int Width,
    int ReadHeads,
    bool Links) : MemoryShape
{
    /// <summary>Ways in which a read head finds slots: backward, by content, forward.</summary>
    internal const int Modes = 3;

    /// <summary>Where usage stands among what addressing carries, <c>[1, slots]</c>.</summary>
    internal const int Usage = 0;

    /// <summary>Where the weightings of the read heads stand, <c>[read heads, slots]</c>.</summary>
    internal const int ReadWeightings = 1;

    /// <summary>Where the weighting of the write head stands, <c>[1, slots]</c>.</summary>
    internal const int WriteWeighting = 2;

    /// <summary>Where precedence stands, <c>[1, slots]</c>; only of a shape that has links.</summary>
    internal const int Precedence = 3;

    /// <summary>Where the links stand, <c>[slots, slots]</c>; only of a shape that has them.</summary>
    internal const int LinkMatrix = 4;

    /// <inheritdoc/>
    public override int Writes => 1;

    /// <inheritdoc/>
    public override int InterfaceSize => (ReadHeads * (Width + 2 + (Links ? Modes : 0))) + (3 * Width) + 3;

    /// <inheritdoc/>
    private protected override IReadOnlyList<NetworkPart> AddressingState =>
    [
        new("usage", 1, Slots),
        new("read weightings", ReadHeads, Slots),
        new("write weighting", 1, Slots),
        .. Links ? (NetworkPart[])[new("precedence", 1, Slots), new("links", Slots, Slots)] : [],
    ];

    /// <inheritdoc/>
    internal override Network<T> Build<T>() => new DncNetwork<T>(this);
}
