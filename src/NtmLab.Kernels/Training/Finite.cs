using System.Numerics;
using System.Runtime.InteropServices;

namespace NtmLab.Kernels;

/// <summary>Looks for infinities and not-a-numbers.</summary>
public static class Finite
{
    /// <summary>Whether all values are finite.</summary>
    public static bool All(ReadOnlySpan<float> values)
    {
        // A finite value times 0 is 0; anything else is not a number, and stays so in every sum.
        Vector<float> s0, s1, s2, s3;
        s0 = s1 = s2 = s3 = Vector<float>.Zero;
        ref var first = ref MemoryMarshal.GetReference(values);
        var (width, i) = (Vector<float>.Count, 0);
        for (; i + (4 * width) <= values.Length; i += 4 * width)
        {
            s0 += Vector.LoadUnsafe(ref first, (nuint)i) * Vector<float>.Zero;
            s1 += Vector.LoadUnsafe(ref first, (nuint)(i + width)) * Vector<float>.Zero;
            s2 += Vector.LoadUnsafe(ref first, (nuint)(i + (2 * width))) * Vector<float>.Zero;
            s3 += Vector.LoadUnsafe(ref first, (nuint)(i + (3 * width))) * Vector<float>.Zero;
        }

        var sum = Vector.Sum(s0 + s1 + s2 + s3);
        for (; i < values.Length; i++)
        {
            sum += values[i] * 0;
        }

        return sum == 0;
    }
}
