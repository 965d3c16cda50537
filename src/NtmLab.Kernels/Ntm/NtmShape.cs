namespace NtmLab.Kernels;

/// <summary>The sizes of a Neural Turing Machine.</summary>
/// <param name="Inputs">Features of the input in each step.</param>
/// <param name="Outputs">Logits in each step.</param>
/// <param name="Controller">What the controller's layers compute.</param>
/// <param name="Layers">How many layers it has.</param>
/// <param name="Units">The width H of each.</param>
/// <param name="Slots">Memory slots N.</param>
/// <param name="Width">Width M of a slot.</param>
/// <param name="ReadHeads">Read heads R.</param>
/// <param name="WriteHeads">Write heads W.</param>
/// <param name="ShiftWidth">Shifts S a head can make in one step; odd, at most N.</param>
public sealed record NtmShape(
    int Inputs,
    int Outputs,
    CellKind Controller,
    int Layers,
    int Units,
    int Slots,
    int Width,
    int ReadHeads,
    int WriteHeads,
    int ShiftWidth) : MemoryShape
{
    /// <summary>Where the weightings of the read heads stand among what addressing carries, <c>[read heads, slots]</c>.</summary>
    internal const int ReadWeightings = 0;

    /// <summary>Where those of the write heads stand, <c>[write heads, slots]</c>.</summary>
    internal const int WriteWeightings = 1;

    /// <summary>Where what the heads have cost so far stands, one number; only of a shape that has a price.</summary>
    internal const int Price = 2;

    /// <summary>What each nat of entropy of a head's weighting costs in each step; 0 for nothing.</summary>
    public float EntropyPrice { get; init; }

    /// <summary>What a whole write costs in each step: one that erases and adds as much as it can; 0 for nothing.</summary>
    public float WritePrice { get; init; }

    /// <summary>Whether every head is on one slot alone; there is no backward pass then.</summary>
    public bool Discretise { get; init; }

    /// <summary>Whether the state has what the heads have cost so far as its last part.</summary>
    public bool HasPrice => EntropyPrice > 0 || WritePrice > 0;

    /// <inheritdoc/>
    public override int Writes => WriteHeads;

    /// <inheritdoc/>
    public override int InterfaceSize =>
        (ReadHeads * (Width + ShiftWidth + 3)) + (WriteHeads * ((3 * Width) + ShiftWidth + 3));

    /// <inheritdoc/>
    private protected override IReadOnlyList<NetworkPart> AddressingState =>
    [
        new("read weightings", ReadHeads, Slots),
        new("write weightings", WriteHeads, Slots),
        .. HasPrice ? (NetworkPart[])[new("price")] : [],
    ];

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        RequirePositive((nameof(WriteHeads), WriteHeads));
        if (ShiftWidth < 1 || ShiftWidth % 2 == 0 || ShiftWidth > Slots)
        {
            throw new ArgumentException(
                $"{nameof(ShiftWidth)}: {ShiftWidth} is not allowed; an odd number from 1 to the number of slots is.");
        }
    }

    /// <inheritdoc/>
    internal override Network<T> Build<T>() => new NtmNetwork<T>(this);
}
