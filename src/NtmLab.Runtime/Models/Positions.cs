namespace NtmLab.Models;

/// <summary>How an attention model knows the order of what it sees.</summary>
public enum Positions
{
    /// <summary>Queries and keys are rotated by their position: see <see cref="Blocks.Rotation"/>.</summary>
    Rotary,

    /// <summary>From a trained table with an entry for each place in the context.</summary>
    Learned,

    /// <summary>Not at all: what was seen counts, not when.</summary>
    None,
}
