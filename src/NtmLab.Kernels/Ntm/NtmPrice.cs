using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// What the heads of a Neural Turing Machine cost in one step, so that training has them focus and write only what is of use. With
/// weightings w of all heads h, erase vectors e and add vectors a of the write heads, prices p of entropy and q of a whole write:
/// <code>
/// cost     = p sum_h sum_i -w_h(i) ln(w_h(i) + tiny) + q sum_h mean_m (e_h(m) + a_h(m)^2) / 2
/// dw_h(i) += -dcost p (ln(w_h(i) + tiny) + w_h(i) / (w_h(i) + tiny))
/// de_h(m) += dcost q / (2 M)          da_h(m) += dcost q a_h(m) / M
/// </code>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes and prices.</param>
internal sealed unsafe class NtmPrice<T>(NtmShape shape)
    where T : unmanaged, ILanes<T>
{
    private const float Tiny = 1e-16f;

    private const float Ln2 = 0.693147180559945309f;

    private readonly int _weights = shape.Heads * Rows.Padded<T>(shape.Slots);

    private readonly int _written = shape.WriteHeads * shape.Width;

    /// <summary>The cost of one step of one sequence.</summary>
    /// <param name="weightings">w, <c>[heads, padded slots]</c>.</param>
    /// <param name="erase">e, <c>[write heads, width]</c>.</param>
    /// <param name="add">a, <c>[write heads, width]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Forward(float* weightings, float* erase, float* add)
    {
        var cost = 0f;
        if (shape.EntropyPrice > 0)
        {
            var sum = T.All(0f);
            for (var i = 0; i < _weights; i += T.Count)
            {
                var w = T.Load(weightings + i);
                sum = T.MultiplyAdd(w, LaneMath.Log2(w + T.All(Tiny)), sum);
            }

            cost = -shape.EntropyPrice * Ln2 * T.Sum(sum);
        }

        var written = 0f;
        for (var m = 0; m < _written; m++)
        {
            written += erase[m] + (add[m] * add[m]);
        }

        return cost + (shape.WritePrice * written / (2 * shape.Width));
    }

    /// <summary>Goes backward through the weightings' part.</summary>
    /// <param name="gradient">dcost.</param>
    /// <param name="weightings">w.</param>
    /// <param name="weightingGradients">Gets dw added, <c>[heads, padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void WeightingsBackward(float gradient, float* weightings, float* weightingGradients)
    {
        if (shape.EntropyPrice == 0)
        {
            return;
        }

        var factor = T.All(-gradient * shape.EntropyPrice);
        var ln2 = T.All(Ln2);
        for (var i = 0; i < _weights; i += T.Count)
        {
            var w = T.Load(weightings + i);
            var some = w + T.All(Tiny);
            var slope = T.MultiplyAdd(ln2, LaneMath.Log2(some), w / some);
            T.MultiplyAdd(factor, slope, T.Load(weightingGradients + i)).Store(weightingGradients + i);
        }
    }

    /// <summary>Goes backward through the writes' part.</summary>
    /// <param name="gradient">dcost.</param>
    /// <param name="add">a.</param>
    /// <param name="eraseGradient">Gets de added.</param>
    /// <param name="addGradient">Gets da added.</param>
    public void WritesBackward(float gradient, float* add, float* eraseGradient, float* addGradient)
    {
        var each = gradient * shape.WritePrice / shape.Width;
        for (var m = 0; m < _written; m++)
        {
            eraseGradient[m] += each / 2;
            addGradient[m] += each * add[m];
        }
    }
}
