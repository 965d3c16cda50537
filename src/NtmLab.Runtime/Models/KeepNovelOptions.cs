using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a <see cref="MemoryModel"/> with a <see cref="KeepNovelPolicy"/>.</summary>
[CatalogName("keep-novel", "Memory that saves only what is unlike all that it holds.")]
public sealed record KeepNovelOptions : KeepingOptions
{
    /// <summary>The cosine similarity above which a vector counts as stored already; -1 to 1.</summary>
    public double Threshold { get; init; } = 0.9;

    /// <summary>What becomes of a vector that is stored already.</summary>
    public Repeats Repeats { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Cosine("model.threshold", Threshold);
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new KeepNovelPolicy(this);
}

/// <summary>What becomes of a vector that is much like one that is stored.</summary>
public enum Repeats
{
    /// <summary>It becomes part of the mean of all vectors in that slot.</summary>
    Merge,

    /// <summary>It is dropped.</summary>
    Skip,
}
