using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Binary cross-entropy with logits and its gradient in one pass, and the score that goes with it. With logits x, targets t
/// in {0, 1} and weights m of the rows:
/// <code>
/// loss = sum m (max(x, 0) - x t + ln(1 + e^-|x|))        dx = m (sigmoid(x) - t) scale
/// </code>
/// </summary>
public static unsafe class BitCrossEntropy
{
    /// <summary>The loss, and its gradient.</summary>
    /// <param name="logits">x, <c>[rows, bits]</c>.</param>
    /// <param name="targets">t, <c>[rows, bits]</c>.</param>
    /// <param name="mask">m, <c>[rows]</c>.</param>
    /// <param name="scale">A factor of the gradient.</param>
    /// <param name="gradients">Gets dx, <c>[rows, bits]</c>.</param>
    /// <param name="path">How many floats at once.</param>
    /// <returns>The loss in nats.</returns>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public static double Evaluate(
        ReadOnlySpan<float> logits,
        ReadOnlySpan<float> targets,
        ReadOnlySpan<float> mask,
        float scale,
        Span<float> gradients,
        VectorPath path = VectorPath.Auto)
    {
        var bits = BitsIn(logits, targets, mask);
        if (gradients.Length != logits.Length)
        {
            throw new ArgumentException($"cross-entropy: {logits.Length} logits want as many gradients.");
        }

        fixed (float* x = logits, t = targets, dx = gradients)
        {
            var loss = 0.0;
            for (var row = 0; row < mask.Length;)
            {
                // Neighbours of one weight are one run, whatever the number of bits in a row.
                var next = row + 1;
                while (next < mask.Length && mask[next] == mask[row])
                {
                    next++;
                }

                var (start, count) = (row * bits, (next - row) * bits);
                if (mask[row] == 0)
                {
                    Floats.Clear(dx + start, count);
                }
                else
                {
                    loss += mask[row] * Run(path, count, x + start, t + start, mask[row] * scale, dx + start);
                }

                row = next;
            }

            return loss;
        }
    }

    /// <summary>Bits on the wrong side of 0.5, in rows of a weight other than 0.</summary>
    /// <param name="logits">x, <c>[rows, bits]</c>.</param>
    /// <param name="targets">t, <c>[rows, bits]</c>.</param>
    /// <param name="mask">m, <c>[rows]</c>.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public static int WrongBits(ReadOnlySpan<float> logits, ReadOnlySpan<float> targets, ReadOnlySpan<float> mask)
    {
        var bits = BitsIn(logits, targets, mask);
        var wrong = 0;
        for (var row = 0; row < mask.Length; row++)
        {
            for (var i = row * bits; mask[row] != 0 && i < (row + 1) * bits; i++)
            {
                wrong += (logits[i] > 0) != (targets[i] > 0.5f) ? 1 : 0;
            }
        }

        return wrong;
    }

    private static int BitsIn(ReadOnlySpan<float> logits, ReadOnlySpan<float> targets, ReadOnlySpan<float> mask)
    {
        var bits = mask.Length == 0 ? 0 : logits.Length / mask.Length;
        return targets.Length == logits.Length && bits * mask.Length == logits.Length
            ? bits
            : throw new ArgumentException(
                $"cross-entropy: {logits.Length} logits want as many targets, not {targets.Length}, and whole rows, not "
                + $"{mask.Length} weights.");
    }

    private static double Run(VectorPath path, int count, float* x, float* t, float weight, float* dx)
    {
        var loss = 0.0;
        var done = (path == VectorPath.Auto ? VectorPaths.Best : path) switch
        {
            VectorPath.Vector512 => Run<Lanes512>(0, count, x, t, weight, dx, ref loss),
            VectorPath.Vector256 => Run<Lanes256>(0, count, x, t, weight, dx, ref loss),
            VectorPath.Vector128 => Run<Lanes128>(0, count, x, t, weight, dx, ref loss),
            _ => 0,
        };
        Run<Lanes1>(done, count, x, t, weight, dx, ref loss);
        return loss;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Run<T>(int start, int count, float* x, float* t, float weight, float* dx, ref double loss)
        where T : unmanaged, ILanes<T>
    {
        T zero = T.All(0f), scale = T.All(weight), sum = zero;
        var i = start;
        for (; i + T.Count <= count; i += T.Count)
        {
            T logit = T.Load(x + i), target = T.Load(t + i);
            var e = LaneMath.Exp(T.Min(logit, zero - logit));
            sum += T.Max(logit, zero) - (logit * target) + LaneMath.LogOnePlus(e);
            ((LaneMath.Sigmoid(logit) - target) * scale).Store(dx + i);
        }

        loss += T.Sum(sum);
        return i;
    }
}
