using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a <see cref="MemoryModel"/> with a <see cref="FifoPolicy"/>.</summary>
[CatalogName("fifo", "Memory of the last vectors, a ring.")]
public sealed record FifoOptions : KeepingOptions
{
    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new FifoPolicy(this);
}
