using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a memory that a trained gate saves to.</summary>
public abstract record GatedOptions : KeepingOptions
{
    /// <summary>What a gate fully open costs in each step, in the unit of the training loss.</summary>
    public double Price { get; init; } = 0.01;

    /// <summary>The gate that is enough to be saved; greater than 0, less than 1.</summary>
    public double Threshold { get; init; } = 0.1;

    /// <summary>The gate that training starts with, about; greater than 0, less than 1.</summary>
    public double InitialGate { get; init; } = 0.9;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.NotNegative("model.price", Price);
        Require.Inside("model.threshold", Threshold, 0, 1);
        Require.Inside("model.initialGate", InitialGate, 0, 1);
    }
}

/// <summary>Configuration of a <see cref="MemoryModel"/> with a <see cref="LearnedGatePolicy"/>.</summary>
[CatalogName("learned-gate", "Memory that a trained gate saves to, at a price.")]
public sealed record LearnedGateOptions : GatedOptions
{
    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new LearnedGatePolicy(this);
}
