using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>
/// Configuration of a memory-augmented network with sparse access (Rae et al. 2016, arXiv 1610.09027): a
/// <see cref="MemoryModel"/> with a <see cref="SparsePolicy"/>. As in the paper each read head is a write head too.
/// </summary>
[CatalogName("sparse", "Sparse access memory: reads and writes few slots of many (Rae et al. 2016).")]
public sealed record SparseOptions : MemoryModelOptions
{
    /// <summary>Where a read by the index begins to be cheaper than looking at every slot, about.</summary>
    public const int DefaultIndexAbove = 262_144;

    /// <summary>The number of slots K that a head reads in each step; at most the number of slots.</summary>
    public int Nearest { get; init; } = 4;

    /// <inheritdoc cref="NtmOptions.InitialKeyStrength"/>
    public double InitialKeyStrength { get; init; } = NtmOptions.NeutralKeyStrength;

    /// <summary>
    /// Slots in use up to which the fused engine looks at every slot to find the nearest; 0 or more. With more, and only in sequences
    /// that are long enough for it to pay (some 100 000 reads), it finds them with an approximate index, which misses some of them
    /// (docs/policies.md has the figures). The reference engine always looks at every slot.
    /// </summary>
    public int IndexAbove { get; init; } = DefaultIndexAbove;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.AtLeast("model.nearest", Nearest, 1);
        Require.AtLeast("model.indexAbove", IndexAbove, 0);
        Require.Positive("model.initialKeyStrength", InitialKeyStrength);
        Require.AtMostSlots("model.nearest", Nearest, Slots);
        Require.AtMostSlots("model.readHeads", ReadHeads, Slots);
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) =>
        new SparsePolicy(Width, ReadHeads, Nearest, InitialKeyStrength, IndexAbove);
}
