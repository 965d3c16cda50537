using NtmLab.Configuration;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>First in, first out: every vector is saved, over the oldest one; the memory is a ring of the last N.</summary>
/// <param name="options">The sizes.</param>
[CatalogName("fifo", "Saves every vector over the oldest one: a ring of the last ones.")]
public sealed class FifoPolicy(FifoOptions options) : KeepingPolicy("fifo", options)
{
    /// <inheritdoc/>
    protected override (Tensor Place, NamedState State) Save(Offered offered) => SaveInTurn(offered.State, offered.Ones);
}
