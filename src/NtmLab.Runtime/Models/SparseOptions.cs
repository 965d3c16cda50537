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
    /// <summary>The number of slots K that a head reads in each step; at most the number of slots.</summary>
    public int Nearest { get; init; } = 4;

    /// <inheritdoc cref="NtmOptions.InitialKeyStrength"/>
    public double InitialKeyStrength { get; init; } = NtmOptions.NeutralKeyStrength;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.AtLeast("model.nearest", Nearest, 1);
        Require.Positive("model.initialKeyStrength", InitialKeyStrength);
        Require.AtMostSlots("model.nearest", Nearest, Slots);
        Require.AtMostSlots("model.readHeads", ReadHeads, Slots);
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new SparsePolicy(Width, ReadHeads, Nearest, InitialKeyStrength);
}
