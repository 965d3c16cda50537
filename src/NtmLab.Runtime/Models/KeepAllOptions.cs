using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>
/// Configuration of a <see cref="MemoryModel"/> with a <see cref="KeepAllPolicy"/>. It begins without slots;
/// <see cref="MemoryModelOptions.Slots"/> is the most that there may be.
/// </summary>
[CatalogName("keep-all", "Memory of every vector there ever was; it grows.")]
public sealed record KeepAllOptions : KeepingOptions
{
    /// <summary>Makes the defaults: a limit that only very long sequences reach.</summary>
    public KeepAllOptions()
    {
        Slots = 1_000_000;
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new KeepAllPolicy(this);
}
