using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// One step of Adam (Kingma and Ba 2014, algorithm 1) with decoupled weight decay (Loshchilov and Hutter 2017, algorithm 2)
/// over plain memory, in one pass; t counts steps from 1:
/// <code>
/// x     = scale (gradient clipped to [-clip, clip])
/// m     = beta1 m + (1 - beta1) x            v = beta2 v + (1 - beta2) x^2
/// value = (1 - rate weightDecay) value - rate / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
/// gradient = 0
/// </code>
/// </summary>
public sealed unsafe record AdamStep
{
    /// <summary>The learning rate.</summary>
    public required double Rate { get; init; }

    /// <summary>How much of m is kept.</summary>
    public required double Beta1 { get; init; }

    /// <summary>How much of v is kept.</summary>
    public required double Beta2 { get; init; }

    /// <summary>Added to the root of v.</summary>
    public required double Epsilon { get; init; }

    /// <summary>The fraction of each value that is taken away, times the learning rate.</summary>
    public required double WeightDecay { get; init; }

    /// <summary>Gradients are clipped to [-clip, clip].</summary>
    public required double Clip { get; init; }

    /// <summary>What clipped gradients are multiplied by.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>t, from 1.</summary>
    public long Step { get; init; } = 1;

    /// <summary>Takes the step.</summary>
    /// <param name="value">The parameters.</param>
    /// <param name="gradient">Their gradients; zeros afterwards.</param>
    /// <param name="mean">m.</param>
    /// <param name="meanSquare">v.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public void Apply(Span<float> value, Span<float> gradient, Span<float> mean, Span<float> meanSquare)
    {
        if (gradient.Length != value.Length || mean.Length != value.Length || meanSquare.Length != value.Length)
        {
            throw new ArgumentException($"Adam: {value.Length} values want as many gradients and means.");
        }

        fixed (float* p = value, x = gradient, m = mean, v = meanSquare)
        {
            var done = VectorPaths.Best switch
            {
                VectorPath.Vector512 => Apply<Lanes512>(0, value.Length, p, x, m, v),
                VectorPath.Vector256 => Apply<Lanes256>(0, value.Length, p, x, m, v),
                VectorPath.Vector128 => Apply<Lanes128>(0, value.Length, p, x, m, v),
                _ => 0,
            };
            Apply<Lanes1>(done, value.Length, p, x, m, v);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Apply<T>(int start, int count, float* value, float* gradient, float* mean, float* meanSquare)
        where T : unmanaged, ILanes<T>
    {
        // Differences from 1 lose most of their digits in single precision: they are rounded only once taken.
        T beta1 = T.All((float)Beta1), rest1 = T.All((float)(1 - Beta1));
        T beta2 = T.All((float)Beta2), rest2 = T.All((float)(1 - Beta2));
        T kept = T.All((float)(1 - (Rate * WeightDecay))), back = T.All((float)(-Rate / (1 - Math.Pow(Beta1, Step))));
        T root = T.All((float)Math.Sqrt(1 - Math.Pow(Beta2, Step))), epsilon = T.All((float)Epsilon);
        T high = T.All((float)Clip), low = T.All((float)-Clip), scale = T.All((float)Scale), zero = T.All(0f);
        var i = start;
        for (; i + T.Count <= count; i += T.Count)
        {
            var x = scale * T.Min(T.Max(T.Load(gradient + i), low), high);
            var m = T.MultiplyAdd(beta1, T.Load(mean + i), rest1 * x);
            var v = T.MultiplyAdd(beta2, T.Load(meanSquare + i), rest2 * x * x);
            var deviation = (T.Sqrt(v) / root) + epsilon;
            m.Store(mean + i);
            v.Store(meanSquare + i);
            T.MultiplyAdd(kept, T.Load(value + i), back * m / deviation).Store(value + i);
            zero.Store(gradient + i);
        }

        return i;
    }
}
