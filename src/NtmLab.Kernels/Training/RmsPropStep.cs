using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// One step of RMSProp in the form of Graves 2013 (equations 38 to 41) over plain memory, in one pass:
/// <code>
/// x     = scale (gradient clipped to [-clip, clip])
/// n     = decay n + (1 - decay) x^2          g = decay g + (1 - decay) x
/// delta = momentum delta - rate x / sqrt(max(n - g^2, 0) + epsilon)
/// value = value + delta                      gradient = 0
/// </code>
/// </summary>
public sealed unsafe record RmsPropStep
{
    /// <summary>The learning rate.</summary>
    public required float Rate { get; init; }

    /// <summary>How much of the running means is kept.</summary>
    public required float Decay { get; init; }

    /// <summary>How much of the last step is repeated.</summary>
    public required float Momentum { get; init; }

    /// <summary>Added to the variance under the root.</summary>
    public required float Epsilon { get; init; }

    /// <summary>Gradients are clipped to [-clip, clip].</summary>
    public required float Clip { get; init; }

    /// <summary>What clipped gradients are multiplied by.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>Takes the step.</summary>
    /// <param name="value">The parameters.</param>
    /// <param name="gradient">Their gradients; zeros afterwards.</param>
    /// <param name="meanSquare">n.</param>
    /// <param name="mean">g.</param>
    /// <param name="delta">The last step, then this one.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public void Apply(
        Span<float> value, Span<float> gradient, Span<float> meanSquare, Span<float> mean, Span<float> delta)
    {
        if (gradient.Length != value.Length || meanSquare.Length != value.Length || mean.Length != value.Length
            || delta.Length != value.Length)
        {
            throw new ArgumentException($"RMSProp: {value.Length} values want as many gradients, means and last steps.");
        }

        fixed (float* v = value, x = gradient, n = meanSquare, g = mean, d = delta)
        {
            var done = VectorPaths.Best switch
            {
                VectorPath.Vector512 => Apply<Lanes512>(0, value.Length, v, x, n, g, d),
                VectorPath.Vector256 => Apply<Lanes256>(0, value.Length, v, x, n, g, d),
                VectorPath.Vector128 => Apply<Lanes128>(0, value.Length, v, x, n, g, d),
                _ => 0,
            };
            Apply<Lanes1>(done, value.Length, v, x, n, g, d);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Apply<T>(int start, int count, float* value, float* gradient, float* meanSquare, float* mean, float* delta)
        where T : unmanaged, ILanes<T>
    {
        T rate = T.All(-Rate), decay = T.All(Decay), rest = T.All(1 - Decay), momentum = T.All(Momentum);
        T epsilon = T.All(Epsilon), high = T.All(Clip), low = T.All(-Clip), scale = T.All(Scale), zero = T.All(0f);
        var i = start;
        for (; i + T.Count <= count; i += T.Count)
        {
            var x = scale * T.Min(T.Max(T.Load(gradient + i), low), high);
            var n = T.MultiplyAdd(decay, T.Load(meanSquare + i), rest * x * x);
            var g = T.MultiplyAdd(decay, T.Load(mean + i), rest * x);
            var deviation = T.Sqrt(T.Max(n - (g * g), zero) + epsilon);
            var d = T.MultiplyAdd(momentum, T.Load(delta + i), rate * x / deviation);
            n.Store(meanSquare + i);
            g.Store(mean + i);
            d.Store(delta + i);
            (T.Load(value + i) + d).Store(value + i);
            zero.Store(gradient + i);
        }

        return i;
    }
}
