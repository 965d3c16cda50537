using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a <see cref="MemoryModel"/> with a <see cref="ReservoirPolicy"/>.</summary>
[CatalogName("reservoir", "Memory of a uniform random sample of all vectors.")]
public sealed record ReservoirOptions : KeepingOptions
{
    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new ReservoirPolicy(this);
}
