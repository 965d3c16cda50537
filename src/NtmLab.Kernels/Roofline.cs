using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>What one core of this machine can do at most, measured now: the roof that kernels are held against.</summary>
/// <param name="MultiplyAddsPerSecond">Single-precision multiply-adds with all operands in registers.</param>
/// <param name="CacheBytesPerSecond">Bytes read from a buffer of 256 KiB, which the second-level cache holds.</param>
/// <param name="MemoryBytesPerSecond">Bytes read from a buffer of 256 MiB, which no cache holds.</param>
public sealed record Roofline(double MultiplyAddsPerSecond, double CacheBytesPerSecond, double MemoryBytesPerSecond)
{
    /// <summary>Measures; takes about half a second.</summary>
    /// <param name="path">How many floats at once.</param>
    public static Roofline Measure(VectorPath path = VectorPath.Auto) =>
        (path == VectorPath.Auto ? VectorPaths.Best : path) switch
        {
            VectorPath.Vector512 => Measure<Lanes512>(),
            VectorPath.Vector256 => Measure<Lanes256>(),
            VectorPath.Vector128 => Measure<Lanes128>(),
            _ => Measure<Lanes1>(),
        };

    private static Roofline Measure<T>()
        where T : unmanaged, ILanes<T>
    {
        using var small = new NativeBuffer((256 << 10) / sizeof(float));
        using var large = new NativeBuffer((256 << 20) / sizeof(float));
        return new Roofline(
            Best(12, () => MultiplyAdds<T>(2_000_000)),
            Best(12, () => Read<T>(small, 200)),
            Best(4, () => Read<T>(large, 1)));
    }

    /// <summary>The best rate of several: what disturbs a measurement only ever slows it.</summary>
    private static double Best(int repeats, Func<double> work)
    {
        var best = 0.0;
        for (var i = 0; i < repeats; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var done = work();
            best = Math.Max(best, done / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe double MultiplyAdds<T>(int rounds)
        where T : unmanaged, ILanes<T>
    {
        T a = T.All(0.999f), b = T.All(1e-3f);
        T s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b;
        for (var i = 0; i < rounds; i++)
        {
            s0 = T.MultiplyAdd(s0, a, b);
            s1 = T.MultiplyAdd(s1, a, b);
            s2 = T.MultiplyAdd(s2, a, b);
            s3 = T.MultiplyAdd(s3, a, b);
            s4 = T.MultiplyAdd(s4, a, b);
            s5 = T.MultiplyAdd(s5, a, b);
            s6 = T.MultiplyAdd(s6, a, b);
            s7 = T.MultiplyAdd(s7, a, b);
            s8 = T.MultiplyAdd(s8, a, b);
            s9 = T.MultiplyAdd(s9, a, b);
        }

        // The sum is needed, so that the work is not optimised away; it is finite, so the factor is 1.
        var sum = T.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9);
        return float.IsFinite(sum) ? 10.0 * T.Count * rounds : 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe double Read<T>(NativeBuffer buffer, int rounds)
        where T : unmanaged, ILanes<T>
    {
        var length = buffer.Length;
        var x = buffer.Pointer;
        T s0 = T.All(0f), s1 = s0, s2 = s0, s3 = s0;
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0L; i < length; i += 4 * T.Count)
            {
                s0 += T.Load(x + i);
                s1 += T.Load(x + i + T.Count);
                s2 += T.Load(x + i + (2 * T.Count));
                s3 += T.Load(x + i + (3 * T.Count));
            }
        }

        return T.Sum(s0 + s1 + s2 + s3) == 0 ? (double)buffer.Bytes * rounds : 0;
    }
}
