using NtmLab.Configuration;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>Saves every vector in a slot of its own: the memory grows by one slot in each step. The wasteful baseline.</summary>
/// <param name="options">The sizes.</param>
[CatalogName("keep-all", "Saves every vector in a new slot: the wasteful baseline, which grows in every step.")]
public sealed class KeepAllPolicy(KeepAllOptions options) : KeepingPolicy("keep-all", options)
{
    /// <inheritdoc/>
    public override bool Grows => true;

    /// <inheritdoc/>
    protected override (Tensor Place, NamedState State) Save(Offered offered)
    {
        var (state, ones) = (offered.State, offered.Ones);
        var held = state[NamedState.StrengthName];
        return (
            cat([zeros_like(held), ones], 1),
            state.Set(NamedState.StrengthName, cat([held, ones], 1)).Set(Saves, state[Saves] + ones));
    }
}
