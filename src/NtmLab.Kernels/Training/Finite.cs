using System.Numerics;

namespace NtmLab.Kernels;

/// <summary>Looks for infinities and not-a-numbers.</summary>
public static class Finite
{
    /// <summary>Whether all values are finite.</summary>
    public static bool All(ReadOnlySpan<float> values)
    {
        // A finite value times 0 is 0; anything else is not a number, and stays so in every sum.
        var sums = Vector<float>.Zero;
        var i = 0;
        for (; i + Vector<float>.Count <= values.Length; i += Vector<float>.Count)
        {
            sums += new Vector<float>(values[i..]) * Vector<float>.Zero;
        }

        var sum = Vector.Sum(sums);
        for (; i < values.Length; i++)
        {
            sum += values[i] * 0;
        }

        return sum == 0;
    }
}
