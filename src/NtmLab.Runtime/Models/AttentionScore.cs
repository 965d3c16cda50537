namespace NtmLab.Models;

/// <summary>How well a key fits a query.</summary>
public enum AttentionScore
{
    /// <summary>Their product, divided by the square root of their width (Vaswani et al. 2017, equation 1).</summary>
    Dot,

    /// <summary>A small network of their sum (Bahdanau et al. 2014): see <see cref="Blocks.AdditiveScore"/>.</summary>
    Additive,
}
