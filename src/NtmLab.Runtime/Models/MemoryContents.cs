using NtmLab.Memory;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>What a memory holds between two steps, and what was read from it last.</summary>
/// <param name="Memory">The memory, <c>[batch, slots, width]</c>.</param>
/// <param name="Policy">What its policy knows of it.</param>
/// <param name="Reads">
/// The last reads, <c>[batch, read heads, width]</c>, which the controller sees in the next step; null where a sequence begins with
/// the model's own first reads.
/// </param>
public sealed record MemoryContents(Tensor Memory, PolicyState Policy, Tensor? Reads = null)
{
    /// <summary>The number of slots.</summary>
    public int Slots => checked((int)Memory.shape[1]);

    /// <summary>All tensors.</summary>
    internal IEnumerable<Tensor> Tensors => Reads is null ? [Memory, .. Policy.Tensors] : [Memory, .. Policy.Tensors, Reads];

    /// <summary>The same memory for a sequence that begins with the model's own first reads.</summary>
    public MemoryContents WithoutReads() => this with { Reads = null };

    /// <summary>The same of other tensors, each made from one of these.</summary>
    internal MemoryContents Select(Func<Tensor, Tensor> change) => new(
        change(Memory), Policy.With([.. Policy.Tensors.Select(change)]), Reads is null ? null : change(Reads));
}
