using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a memory with a <see cref="KeepingPolicy"/>.</summary>
public abstract record KeepingOptions : MemoryModelOptions
{
    /// <summary>The key strength that read heads start with, about: their bias is set so.</summary>
    public double InitialKeyStrength { get; init; } = 5;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Positive("model.initialKeyStrength", InitialKeyStrength);
    }
}
