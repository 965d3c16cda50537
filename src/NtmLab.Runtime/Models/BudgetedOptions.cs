using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a <see cref="MemoryModel"/> with a <see cref="BudgetedPolicy"/>.</summary>
[CatalogName("budgeted", "Memory that a trained gate saves to, a few times in each sequence.")]
public sealed record BudgetedOptions : GatedOptions
{
    /// <summary>The most vectors of a sequence that are saved, B; 1 to the number of slots.</summary>
    public int Budget { get; init; } = 16;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Between("model.budget", Budget, 1, Slots);
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new BudgetedPolicy(this);
}
