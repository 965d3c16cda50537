using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>
/// Configuration of a memory-augmented network with least recently used access (Santoro et al. 2016, arXiv 1605.06065): a
/// <see cref="MemoryModel"/> with an <see cref="LruaPolicy"/>. As in the paper each read head is a write head too.
/// </summary>
[CatalogName("mann-lrua", "Memory with least recently used access, for one-shot learning (Santoro et al. 2016).")]
public sealed record LruaOptions : MemoryModelOptions
{
    /// <summary>What is left of a slot's usage after a step, gamma; from 0 up to, not including, 1.</summary>
    public double UsageDecay { get; init; } = 0.95;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Within("model.usageDecay", UsageDecay, 0, 1);
        Require.AtMostSlots("model.readHeads", ReadHeads, Slots);
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new LruaPolicy(Width, ReadHeads, UsageDecay);
}
