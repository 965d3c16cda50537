using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// The functions that models are made of, over any width of row. Errors against exact arithmetic, checked by tests over
/// the whole range:
/// <list type="bullet">
/// <item><see cref="Exp"/>: 2 units in the last place for x in [-87, 88]; clamped outside.</item>
/// <item><see cref="Log"/>: 2 units in the last place, or 1e-7 near 1, for normal positive x.</item>
/// <item><see cref="Exp2"/>: 2 units in the last place for x in [-125, 126]; clamped below.</item>
/// <item><see cref="Log2"/>: 2 units in the last place, or 1e-7 near 1, for normal positive x.</item>
/// <item><see cref="LogOnePlus"/>, <see cref="ExpMinusOne"/>: 4 units in the last place for x in [1e-37, 1] and [-87, 0].</item>
/// <item><see cref="Sigmoid"/>, <see cref="Tanh"/>: 2e-7.</item>
/// </list>
/// Polynomials: the single-precision ones of the Cephes library (Moshier 1989); those of base 2 are minimax polynomials of
/// least relative error, found with Remez's algorithm.
/// </summary>
internal static class LaneMath
{
    private const float Log2E = 1.44269504088896341f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>Adding and subtracting it rounds to the nearest whole number, which then stands in the low bits.</summary>
    private const float Rounder = 12582912f;

    /// <summary><c>e^x</c>: <c>2^n e^r</c> with n whole and |r| at most ln 2 / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        var power = Reduce(x, out var r);
        return T.MultiplyAdd(ExpTail(r), r * r, r + T.All(1f)) * power;
    }

    /// <summary><c>e^x - 1 = 2^n (e^r - 1) + 2^n - 1</c>, with all its digits near 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ExpMinusOne<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        var power = Reduce(x, out var r);
        return T.MultiplyAdd(T.MultiplyAdd(ExpTail(r), r * r, r), power, power - T.All(1f));
    }

    /// <summary><c>2^x</c> for x up to 126: <c>2^n 2^r</c> with n whole and |r| at most 1/2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp2<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        x = T.Max(T.All(-125f), x);
        var shifted = x + T.All(Rounder);
        var r = x - (shifted - T.All(Rounder));
        var p = T.All(1.5353362227e-4f);
        p = T.MultiplyAdd(p, r, T.All(1.3398874407e-3f));
        p = T.MultiplyAdd(p, r, T.All(9.6184373565e-3f));
        p = T.MultiplyAdd(p, r, T.All(5.5503324711e-2f));
        p = T.MultiplyAdd(p, r, T.All(2.4022647914e-1f));
        p = T.MultiplyAdd(p, r, T.All(6.9314720286e-1f));
        p = T.MultiplyAdd(p, r, T.All(1f));
        return T.AddBits(p, T.ShiftBitsLeft(shifted, 23));
    }

    /// <summary><c>ln x</c> of normal positive x: <c>n ln 2 + ln m</c> with m between 1/sqrt 2 and sqrt 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Log<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        var n = LogReduce(x, out var r);
        var square = r * r;
        var p = T.All(7.0376836292e-2f);
        p = T.MultiplyAdd(p, r, T.All(-1.1514610310e-1f));
        p = T.MultiplyAdd(p, r, T.All(1.1676998740e-1f));
        p = T.MultiplyAdd(p, r, T.All(-1.2420140846e-1f));
        p = T.MultiplyAdd(p, r, T.All(1.4249322787e-1f));
        p = T.MultiplyAdd(p, r, T.All(-1.6668057665e-1f));
        p = T.MultiplyAdd(p, r, T.All(2.0000714765e-1f));
        p = T.MultiplyAdd(p, r, T.All(-2.4999993993e-1f));
        p = T.MultiplyAdd(p, r, T.All(3.3333331174e-1f));
        p = p * r * square;
        p = T.MultiplyAdd(n, T.All(Ln2Low), p);
        p = T.MultiplyAdd(square, T.All(-0.5f), p);
        return T.MultiplyAdd(n, T.All(Ln2High), r + p);
    }

    /// <summary><c>log2 x</c> of normal positive x: <c>n + log2 m</c> with m between 1/sqrt 2 and sqrt 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Log2<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        var n = LogReduce(x, out var r);
        var p = T.All(1.2583702252e-1f);
        p = T.MultiplyAdd(p, r, T.All(-2.0726974567e-1f));
        p = T.MultiplyAdd(p, r, T.All(2.1571560442e-1f));
        p = T.MultiplyAdd(p, r, T.All(-2.3894482135e-1f));
        p = T.MultiplyAdd(p, r, T.All(2.8791624833e-1f));
        p = T.MultiplyAdd(p, r, T.All(-3.6070368283e-1f));
        p = T.MultiplyAdd(p, r, T.All(4.8091064294e-1f));
        p = T.MultiplyAdd(p, r, T.All(-7.2134734680e-1f));
        p = T.MultiplyAdd(p, r, T.All(1.4426950037f));
        return T.MultiplyAdd(p, r, n);
    }

    /// <summary><c>ln (1 + x)</c> for x in [0, 1]: what rounding 1 + x loses is added again, so that small x keep all digits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LogOnePlus<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        var sum = T.All(1f) + x;
        var lost = x - (sum - T.All(1f));
        return Log(sum) + (lost / sum);
    }

    /// <summary><c>1 / (1 + e^-x)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid<T>(T x)
        where T : unmanaged, ILanes<T> => T.All(1f) / (T.All(1f) + Exp(T.All(0f) - x));

    /// <summary><c>tanh x = 1 - 2 / (e^2x + 1)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Tanh<T>(T x)
        where T : unmanaged, ILanes<T> => T.All(1f) - (T.All(2f) / (Exp(x + x) + T.All(1f)));

    /// <summary><c>x = n ln 2 + r</c>, clamped where <c>e^x</c> would leave the normal numbers; gives <c>2^n</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Reduce<T>(T x, out T r)
        where T : unmanaged, ILanes<T>
    {
        x = T.Min(T.Max(x, T.All(-87f)), T.All(88f));
        var shifted = T.MultiplyAdd(x, T.All(Log2E), T.All(Rounder));
        var n = shifted - T.All(Rounder);
        r = T.MultiplyAdd(n, T.All(-Ln2Low), T.MultiplyAdd(n, T.All(-Ln2High), x));
        return T.ShiftBitsLeft(T.AddBits(shifted, 127), 23);
    }

    /// <summary><c>(e^r - 1 - r) / r^2</c> for |r| at most ln 2 / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T ExpTail<T>(T r)
        where T : unmanaged, ILanes<T>
    {
        var p = T.All(1.9875691500e-4f);
        p = T.MultiplyAdd(p, r, T.All(1.3981999507e-3f));
        p = T.MultiplyAdd(p, r, T.All(8.3334519073e-3f));
        p = T.MultiplyAdd(p, r, T.All(4.1665795894e-2f));
        p = T.MultiplyAdd(p, r, T.All(1.6666665459e-1f));
        return T.MultiplyAdd(p, r, T.All(5.0000001201e-1f));
    }

    /// <summary><c>x = 2^n (1 + r)</c> with 1 + r between 1/sqrt 2 and sqrt 2; gives n.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T LogReduce<T>(T x, out T r)
        where T : unmanaged, ILanes<T>
    {
        // Subtracting the bits of 1/sqrt 2 leaves the exponent of the multiple of it just below x.
        const int halfRoot = 0x3f3504f3;
        var offset = T.AddBits(x, -halfRoot);
        r = T.AddBits(T.AndBits(offset, 0x007fffff), halfRoot) - T.All(1f);
        return T.WholeToFloat(T.ShiftBitsRight(offset, 23));
    }
}
