using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Addressing by content (Graves et al. 2014, equations 5 and 6), forward and backward. Memory M <c>[width, slots]</c> with slots
/// contiguous, slot norm n, key k, key strength b:
/// <code>
/// q(i) = sum_m k(m) M(m, i) / D(i)   with D = |k| n + epsilon      similarity
/// a    = softmax(b q)                                               weighting
/// dx = a (da - sum a da)             db = sum dx q                  dq = b dx
/// df = dq / D                        dD = -df q
/// dk(m) = sum_i df(i) M(m, i) + k(m) / |k| sum n dD                 dM(m, i) += k(m) df(i) + M(m, i) |k| dD(i) / n(i)
/// </code>
/// The last line's products with M are left to <see cref="MemoryMatrix{T}"/>, which passes over memory once for all heads.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
/// <param name="softmax">The softmax over the slots.</param>
internal sealed unsafe class ContentAddressing<T>(MemoryShape shape, SlotSoftmax<T> softmax)
    where T : unmanaged, ILanes<T>
{
    /// <summary>The epsilon of the similarity, as in the reference engine.</summary>
    public const float CosineEpsilon = 1e-8f;

    private const float Log2E = 1.44269504088896341f;

    /// <summary>Exponents of 2 so far from 0 need no shift: neither they nor a sum of them leave the normal numbers.</summary>
    private const float SafeExponent = 60f;

    private readonly int _slots = shape.Slots;
    private readonly int _padded = Rows.Padded<T>(shape.Slots);
    private readonly int _width = shape.Width;

    /// <summary>The exponentials of a content weighting, 0 in the padding; gives the inverse of their sum.</summary>
    /// <param name="key">k.</param>
    /// <param name="keyStrength">b.</param>
    /// <param name="memory">M, <c>[width, padded slots]</c>.</param>
    /// <param name="norms">n, <c>[padded slots]</c>.</param>
    /// <param name="similarity">Gets q, <c>[padded slots]</c>.</param>
    /// <param name="exponentials">Gets them, <c>[padded slots]</c>.</param>
    public float Exponentials(
        float* key, float keyStrength, float* memory, float* norms, float* similarity, float* exponentials)
    {
        Similarity(key, memory, norms, similarity);
        var strength = keyStrength * Log2E;

        // Similarities lie in [-1, 1].
        var greatest = strength <= SafeExponent ? 0f : softmax.Greatest(similarity);
        return softmax.Exponentials(similarity, strength, greatest, exponentials);
    }

    /// <summary>
    /// Goes backward, from the gradient of a weighting that a is only a part of: <c>d = p + g (a - p)</c>.
    /// </summary>
    /// <param name="key">k, and what gets dk as far as it comes through |k|.</param>
    /// <param name="keyStrength">b.</param>
    /// <param name="share">g: 1 where the weighting is a alone.</param>
    /// <param name="norms">n.</param>
    /// <param name="similarity">q.</param>
    /// <param name="content">a.</param>
    /// <param name="mean"><c>sum a dd</c>.</param>
    /// <param name="weightingGradient">dd going in, dp coming out.</param>
    /// <param name="productGradient">Gets df, <c>[padded slots]</c>.</param>
    /// <param name="normGradient">Gets <c>|k| dD / n</c> added, <c>[padded slots]</c>.</param>
    /// <returns>db.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Backward(
        KeyGradient key,
        float keyStrength,
        float share,
        float* norms,
        float* similarity,
        float* content,
        float mean,
        float* weightingGradient,
        float* productGradient,
        float* normGradient)
    {
        var keyNorm = KeyNorm(key.Key);
        T gate = T.All(share), strength = T.All(keyStrength), one = T.All(1f), means = T.All(mean);
        var keep = one - gate;
        var keyNorms = T.All(keyNorm);
        T strengthSum, keySum;
        strengthSum = keySum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var dd = T.Load(weightingGradient + i);
            (keep * dd).Store(weightingGradient + i);
            var dx = T.Load(content + i) * (dd - means) * gate;
            T q = T.Load(similarity + i), n = T.Load(norms + i);
            strengthSum = T.MultiplyAdd(dx, q, strengthSum);

            // One division serves both 1 / D and 1 / n.
            var divisor = T.MultiplyAdd(keyNorms, n, T.All(CosineEpsilon));
            var inverse = one / (divisor * n);
            var df = strength * dx * (inverse * n);
            df.Store(productGradient + i);
            var dD = T.All(0f) - (df * q);
            keySum = T.MultiplyAdd(n, dD, keySum);
            T.MultiplyAdd(keyNorms * dD, inverse * divisor, T.Load(normGradient + i)).Store(normGradient + i);
        }

        var throughNorm = T.Sum(keySum) / keyNorm;
        for (var m = 0; m < _width; m++)
        {
            key.Gradient[m] = key.Key[m] * throughNorm;
        }

        return T.Sum(strengthSum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Divide(T product, T keyNorm, float* norms, float* similarity) =>
        (product / T.MultiplyAdd(keyNorm, T.Load(norms), T.All(CosineEpsilon))).Store(similarity);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float KeyNorm(float* key)
    {
        var whole = _width / T.Count * T.Count;
        var squares = T.All(0f);
        for (var m = 0; m < whole; m += T.Count)
        {
            var k = T.Load(key + m);
            squares = T.MultiplyAdd(k, k, squares);
        }

        var sum = T.Sum(squares) + (CosineEpsilon * CosineEpsilon);
        for (var m = whole; m < _width; m++)
        {
            sum += key[m] * key[m];
        }

        return MathF.Sqrt(sum);
    }

    /// <summary>q; its padding lies below every similarity, so that it is never the greatest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Similarity(float* key, float* memory, float* norms, float* similarity)
    {
        var width = T.Count;
        var keyNorm = T.All(KeyNorm(key));
        var i = 0;
        for (; i + (4 * width) <= _padded; i += 4 * width)
        {
            var column = memory + i;
            T s0, s1, s2, s3;
            s0 = s1 = s2 = s3 = T.All(0f);
            for (var m = 0; m < _width; m++)
            {
                var k = T.All(key[m]);
                s0 = T.MultiplyAdd(k, T.Load(column), s0);
                s1 = T.MultiplyAdd(k, T.Load(column + width), s1);
                s2 = T.MultiplyAdd(k, T.Load(column + (2 * width)), s2);
                s3 = T.MultiplyAdd(k, T.Load(column + (3 * width)), s3);
                column += _padded;
            }

            Divide(s0, keyNorm, norms + i, similarity + i);
            Divide(s1, keyNorm, norms + i + width, similarity + i + width);
            Divide(s2, keyNorm, norms + i + (2 * width), similarity + i + (2 * width));
            Divide(s3, keyNorm, norms + i + (3 * width), similarity + i + (3 * width));
        }

        for (; i < _padded; i += width)
        {
            var sum = T.All(0f);
            for (var m = 0; m < _width; m++)
            {
                sum = T.MultiplyAdd(T.All(key[m]), T.Load(memory + (m * _padded) + i), sum);
            }

            Divide(sum, keyNorm, norms + i, similarity + i);
        }

        if (_slots < _padded)
        {
            new Span<float>(similarity + _slots, _padded - _slots).Fill(-2f);
        }
    }
}
