using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Addressing of one head of one sequence (Graves et al. 2014, equations 5 to 9), forward and backward. Symbols: memory M
/// <c>[width, slots]</c> with slots contiguous, slot norm n, key k, key strength b, gate g, shift s, sharpening c, last
/// weighting p. Forward:
/// <code>
/// q(i) = sum_m k(m) M(m, i) / (|k| n(i) + epsilon)      similarity
/// a    = softmax(b q)                                    content weighting
/// d    = p + g (a - p)                                   gated weighting
/// h(i) = sum_j s(j) d(i - j)                             shifted weighting
/// w    = softmax(c ln(h + tiny))                         weighting
/// </code>
/// Backward, from dw:
/// <code>
/// dy = w (dw - sum w dw)     dc = sum dy ln(h + tiny)    dh = c dy / (h + tiny)
/// ds(j) = sum_i dh(i) d(i - j)                           dd(i) = sum_j s(j) dh(i + j)
/// dg = sum dd (a - p)        da = g dd                   dp = (1 - g) dd
/// dx = a (da - sum a da)     db = sum dx q               dq = b dx
/// dD = -dq q / D             with D = |k| n + epsilon    df = dq / D
/// dk(m) = sum_i df(i) M(m, i) + k(m) / |k| sum n dD      dM(m, i) += k(m) df(i) + M(m, i) |k| dD(i) / n(i)
/// </code>
/// The last line's products with M are left to <see cref="NtmMemory{T}"/>, which passes over memory once for all heads.
/// Rows of slots are padded with zeros to whole rows of lanes.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmAddressing<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    /// <summary>The epsilon of the similarity, as in the reference engine.</summary>
    public const float CosineEpsilon = 1e-8f;

    private const float Tiny = 1e-16f;

    private readonly int _slots;
    private readonly int _padded;
    private readonly int _width;
    private readonly int _shiftWidth;
    private readonly int _reach;
    private readonly NativeBuffer _ring;
    private readonly NativeBuffer _scratch;

    public NtmAddressing(NtmShape shape)
    {
        _slots = shape.Slots;
        _padded = Rows.Padded<T>(shape.Slots);
        _width = shape.Width;
        _shiftWidth = shape.ShiftWidth;
        _reach = shape.ShiftWidth / 2;
        _ring = new NativeBuffer(_padded + (2L * _reach) + T.Count);
        _scratch = new NativeBuffer(2L * _padded);
    }

    /// <summary>Addresses once.</summary>
    /// <param name="head">The head's activated parameters.</param>
    /// <param name="memory">M, <c>[width, padded slots]</c>.</param>
    /// <param name="norms">n, <c>[padded slots]</c>.</param>
    /// <param name="last">p, <c>[padded slots]</c>.</param>
    /// <param name="kept">Gets q, a and h for the backward pass, each <c>[padded slots]</c>.</param>
    /// <param name="weighting">Gets w, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(HeadValues head, float* memory, float* norms, float* last, float* kept, float* weighting)
    {
        var (similarity, content, shifted) = (0, _padded, 2 * _padded);
        Similarity(head.Key, memory, norms, kept + similarity);
        Softmax(kept + similarity, *head.Strength, kept + content);

        var gate = T.All(*head.Gate);
        var ring = _ring.Pointer + _reach;
        for (var i = 0; i < _padded; i += T.Count)
        {
            var p = T.Load(last + i);
            T.MultiplyAdd(gate, T.Load(kept + content + i) - p, p).Store(ring + i);
        }

        Shift(ring, head.Shift, 1, kept + shifted);
        var logarithms = _scratch.Pointer;
        for (var i = 0; i < _padded; i += T.Count)
        {
            LaneMath.Log(T.Load(kept + shifted + i) + T.All(Tiny)).Store(logarithms + i);
        }

        Softmax(logarithms, *head.Sharpening, weighting);
    }

    /// <summary>Goes backward through one addressing.</summary>
    /// <param name="head">The head's activated parameters.</param>
    /// <param name="gradient">Gets the gradients of the scalar parameters and the shift; that of the key as far as it comes through |k|.</param>
    /// <param name="norms">n.</param>
    /// <param name="last">p.</param>
    /// <param name="kept">What the forward pass kept.</param>
    /// <param name="weighting">w.</param>
    /// <param name="weightingGradient">dw going in, dp coming out.</param>
    /// <param name="productGradient">Gets df, <c>[padded slots]</c>.</param>
    /// <param name="normGradient">Gets <c>|k| dD / n</c> added, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(
        HeadValues head,
        HeadValues gradient,
        float* norms,
        float* last,
        float* kept,
        float* weighting,
        float* weightingGradient,
        float* productGradient,
        float* normGradient)
    {
        float* similarity = kept, content = kept + _padded, shifted = kept + (2 * _padded);
        var ring = _ring.Pointer + _reach;
        var gated = _scratch.Pointer;

        // Sharpening.
        var mean = T.All(Dot(weighting, weightingGradient));
        var sharpening = T.All(*head.Sharpening);
        var sharpeningSum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var dy = T.Load(weighting + i) * (T.Load(weightingGradient + i) - mean);
            var h = T.Load(shifted + i) + T.All(Tiny);
            sharpeningSum = T.MultiplyAdd(dy, LaneMath.Log(h), sharpeningSum);
            (sharpening * dy / h).Store(ring + i);
        }

        *gradient.Sharpening = T.Sum(sharpeningSum);

        // Shift: the gradient of the gated weighting is the shifted gradient, the other way round.
        Shift(ring, head.Shift, -1, weightingGradient);
        var gate = T.All(*head.Gate);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var p = T.Load(last + i);
            T.MultiplyAdd(gate, T.Load(content + i) - p, p).Store(gated + i);
        }

        for (var j = -_reach; j <= _reach; j++)
        {
            // ds(j) = sum_i dh(i) d(i - j) = sum_i d(i) dh(i + j); the ring holds dh.
            gradient.Shift[j + _reach] = Dot(gated, ring + j);
        }

        // Interpolation and the softmax over content.
        var keep = T.All(1f) - gate;
        var gateSum = T.All(0f);
        var contentSum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var dd = T.Load(weightingGradient + i);
            var a = T.Load(content + i);
            gateSum = T.MultiplyAdd(dd, a - T.Load(last + i), gateSum);
            contentSum = T.MultiplyAdd(a, dd, contentSum);
        }

        *gradient.Gate = T.Sum(gateSum);
        var contentMean = T.All(T.Sum(contentSum));
        var strength = T.All(*head.Strength);
        var keyNorm = KeyNorm(head.Key);
        var keyNorms = T.All(keyNorm);
        var strengthSum = T.All(0f);
        var keySum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var dd = T.Load(weightingGradient + i);
            var dx = T.Load(content + i) * (dd - contentMean) * gate;
            (keep * dd).Store(weightingGradient + i);
            var q = T.Load(similarity + i);
            strengthSum = T.MultiplyAdd(dx, q, strengthSum);
            var n = T.Load(norms + i);
            var df = strength * dx / T.MultiplyAdd(keyNorms, n, T.All(CosineEpsilon));
            df.Store(productGradient + i);
            var dD = T.All(0f) - (df * q);
            keySum = T.MultiplyAdd(n, dD, keySum);
            T.MultiplyAdd(keyNorms, dD / n, T.Load(normGradient + i)).Store(normGradient + i);
        }

        *gradient.Strength = T.Sum(strengthSum);
        var throughNorm = T.Sum(keySum) / keyNorm;
        for (var m = 0; m < _width; m++)
        {
            gradient.Key[m] = head.Key[m] * throughNorm;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ring.Dispose();
        _scratch.Dispose();
    }

    private float KeyNorm(float* key)
    {
        var sum = CosineEpsilon * CosineEpsilon;
        for (var m = 0; m < _width; m++)
        {
            sum += key[m] * key[m];
        }

        return MathF.Sqrt(sum);
    }

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
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Divide(T product, T keyNorm, float* norms, float* similarity) =>
        (product / T.MultiplyAdd(keyNorm, T.Load(norms), T.All(CosineEpsilon))).Store(similarity);

    /// <summary><c>softmax(scale x)</c> over the slots; the padding gets 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Softmax(float* x, float scale, float* result)
    {
        var factor = T.All(scale);
        var greatest = Greatest(x);
        var top = T.All(greatest * scale);
        var sum = T.All(0f);
        var whole = _slots / T.Count * T.Count;
        for (var i = 0; i < whole; i += T.Count)
        {
            var e = LaneMath.Exp((factor * T.Load(x + i)) - top);
            e.Store(result + i);
            sum += e;
        }

        if (whole < _padded)
        {
            LaneMath.Exp((factor * T.Load(x + whole)) - top).Store(result + whole);
            new Span<float>(result + _slots, _padded - _slots).Clear();
            sum += T.Load(result + whole);
        }

        var inverse = T.All(1f / T.Sum(sum));
        for (var i = 0; i < _padded; i += T.Count)
        {
            (T.Load(result + i) * inverse).Store(result + i);
        }
    }

    /// <summary>The greatest of the slots; the factor it is used with is never negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Greatest(float* x)
    {
        var whole = _slots / T.Count * T.Count;
        var greatest = float.NegativeInfinity;
        if (whole > 0)
        {
            var rows = T.Load(x);
            for (var i = T.Count; i < whole; i += T.Count)
            {
                rows = T.Max(rows, T.Load(x + i));
            }

            greatest = T.Greatest(rows);
        }

        for (var i = whole; i < _slots; i++)
        {
            greatest = MathF.Max(greatest, x[i]);
        }

        return greatest;
    }

    /// <summary><c>result(i) = sum_j s(j) ring(i - direction j)</c> over the slots as a circle; the padding gets 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Shift(float* ring, float* shift, int direction, float* result)
    {
        for (var j = 1; j <= _reach; j++)
        {
            ring[-j] = ring[_slots - j];
        }

        for (var j = 0; j < _reach; j++)
        {
            ring[_slots + j] = ring[j];
        }

        for (var i = 0; i < _padded; i += T.Count)
        {
            var sum = T.All(0f);
            for (var j = -_reach; j <= _reach; j++)
            {
                sum = T.MultiplyAdd(T.All(shift[j + _reach]), T.Load(ring + i - (direction * j)), sum);
            }

            sum.Store(result + i);
        }

        new Span<float>(result + _slots, _padded - _slots).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Dot(float* x, float* y)
    {
        var sum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            sum = T.MultiplyAdd(T.Load(x + i), T.Load(y + i), sum);
        }

        return T.Sum(sum);
    }
}

/// <summary>The parameters of one head, activated, or their gradients.</summary>
internal readonly unsafe struct HeadValues
{
    public HeadValues(float* values, HeadPlaces places)
    {
        Key = values + places.Key;
        Strength = values + places.Strength;
        Gate = values + places.Gate;
        Shift = values + places.Shift;
        Sharpening = values + places.Sharpening;
    }

    /// <summary>Key, <c>[width]</c>.</summary>
    public float* Key { get; }

    /// <summary>Key strength.</summary>
    public float* Strength { get; }

    /// <summary>Interpolation gate.</summary>
    public float* Gate { get; }

    /// <summary>Shift weighting, <c>[shift width]</c>.</summary>
    public float* Shift { get; }

    /// <summary>Sharpening.</summary>
    public float* Sharpening { get; }
}
