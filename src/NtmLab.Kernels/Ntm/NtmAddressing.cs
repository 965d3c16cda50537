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
/// l    = log2(h + tiny)
/// w    = softmax(c ln(h + tiny)) = 2^(c l) / sum 2^(c l) weighting
/// </code>
/// Backward, from dw:
/// <code>
/// dy = w (dw - sum w dw)     dc = ln 2 sum dy l          dh = c dy / (h + tiny) = c dy 2^-l
/// ds(j) = sum_i dh(i) d(i - j)                           dd(i) = sum_j s(j) dh(i + j)
/// dg = sum dd (a - p)        da = g dd                   dp = (1 - g) dd
/// dx = a (da - sum a da)     db = sum dx q               dq = b dx
/// dD = -dq q / D             with D = |k| n + epsilon    df = dq / D
/// dk(m) = sum_i df(i) M(m, i) + k(m) / |k| sum n dD      dM(m, i) += k(m) df(i) + M(m, i) |k| dD(i) / n(i)
/// </code>
/// The last line's products with M are left to <see cref="NtmMemory{T}"/>, which passes over memory once for all heads.
/// Rows of slots are padded with zeros to whole rows of lanes. Both softmaxes take <see cref="Floor"/> from every weight and
/// keep what is above 0: far below the rounding of any sum, but products with what is left are no subnormal numbers, which
/// processors are slow at.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe partial class NtmAddressing<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    /// <summary>The epsilon of the similarity, as in the reference engine.</summary>
    public const float CosineEpsilon = 1e-8f;

    private const float Tiny = 1e-16f;

    private const float Floor = 1e-27f;

    private const float Log2E = 1.44269504088896341f;

    private const float Ln2 = 0.693147180559945309f;

    /// <summary>Exponents of 2 so far from 0 need no shift: neither they nor a sum of them leave the normal numbers.</summary>
    private const float SafeExponent = 60f;

    private readonly int _slots;
    private readonly int _padded;
    private readonly int _width;
    private readonly int _shiftWidth;
    private readonly int _reach;
    private readonly NativeBuffer _ring;
    private readonly NativeBuffer _gated;
    private readonly NativeBuffer _lastRow;

    // Kept apart from their buffers, since a call that is not inlined would drive a loop's sums out of their registers.
    private readonly float* _ringStart;
    private readonly float* _lastRowMask;

    public NtmAddressing(NtmShape shape)
    {
        _slots = shape.Slots;
        _padded = Rows.Padded<T>(shape.Slots);
        _width = shape.Width;
        _shiftWidth = shape.ShiftWidth;
        _reach = shape.ShiftWidth / 2;
        _ring = new NativeBuffer(_padded + (2L * _reach) + T.Count);
        _ringStart = _ring.Pointer + _reach;
        _gated = new NativeBuffer(_padded);

        // 1 for the slots of the last row of lanes, 0 for its padding.
        _lastRow = new NativeBuffer(T.Count);
        _lastRowMask = _lastRow.Pointer;
        new Span<float>(_lastRowMask, T.Count - (_padded - _slots)).Fill(1f);
    }

    /// <summary>Addresses once.</summary>
    /// <param name="head">The head's activated parameters.</param>
    /// <param name="memory">M, <c>[width, padded slots]</c>.</param>
    /// <param name="norms">n, <c>[padded slots]</c>.</param>
    /// <param name="last">p, <c>[padded slots]</c>.</param>
    /// <param name="kept">Gets q, a and l for the backward pass, each <c>[padded slots]</c>.</param>
    /// <param name="weighting">Gets w, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(HeadValues head, float* memory, float* norms, float* last, float* kept, float* weighting)
    {
        float* similarity = kept, content = kept + _padded, logarithms = kept + (2 * _padded);
        Similarity(head.Key, memory, norms, similarity);
        var strength = *head.Strength * Log2E;

        // Similarities lie in [-1, 1].
        var greatest = strength <= SafeExponent ? 0f : Greatest(similarity);
        var inverse = T.All(Exponentials(similarity, strength, greatest, content));

        var ring = _ringStart;
        var gate = T.All(*head.Gate);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var a = Weight(T.Load(content + i), inverse);
            a.Store(content + i);
            var p = T.Load(last + i);
            T.MultiplyAdd(gate, a - p, p).Store(ring + i);
        }

        Close(ring);
        greatest = ShiftedLogarithms(ring, head.Shift, logarithms);
        inverse = T.All(Exponentials(logarithms, *head.Sharpening, greatest, weighting));
        for (var i = 0; i < _padded; i += T.Count)
        {
            Weight(T.Load(weighting + i), inverse).Store(weighting + i);
        }
    }

    /// <summary>
    /// The shift of a head that is on one slot alone and goes on to one alone, as far as its content weighting cannot change it:
    /// with p on one slot, <c>h = (1 - g) s(j)</c> there and up to <c>g max s</c> more anywhere.
    /// </summary>
    /// <param name="head">The head's activated parameters.</param>
    /// <returns>The shift; null where content may decide.</returns>
    public int? CertainShift(HeadValues head)
    {
        const float margin = 1e-3f;
        var (first, second, place) = (head.Shift[0], 0f, 0);
        for (var j = 1; j < _shiftWidth; j++)
        {
            if (head.Shift[j] > first)
            {
                (first, second, place) = (head.Shift[j], first, j);
            }
            else
            {
                second = MathF.Max(second, head.Shift[j]);
            }
        }

        return ((1 - *head.Gate) * (first - second)) > (*head.Gate * first) + margin ? place - _reach : null;
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
        float* similarity = kept, content = kept + _padded, logarithms = kept + (2 * _padded);
        var ring = _ringStart;
        *gradient.Sharpening = SharpeningBackward(*head.Sharpening, logarithms, weighting, weightingGradient, ring);
        Close(ring);
        var contentMean = _shiftWidth == 3
            ? ThreeShiftsBackward(head, gradient, last, content, ring, weightingGradient)
            : AnyShiftsBackward(head, gradient, last, content, ring, weightingGradient);
        ContentBackward(
            head, gradient, norms, similarity, content, contentMean, weightingGradient, productGradient, normGradient);
        if (_slots < _padded)
        {
            new Span<float>(weightingGradient + _slots, _padded - _slots).Clear();
        }
    }

    /// <summary>The greatest of numbers of all slots.</summary>
    /// <param name="x"><c>[padded slots]</c>, the padding no greater than the greatest.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Greatest(float* x)
    {
        var rows = T.Load(x);
        for (var i = T.Count; i < _padded; i += T.Count)
        {
            rows = T.Max(rows, T.Load(x + i));
        }

        return T.Greatest(rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ring.Dispose();
        _gated.Dispose();
        _lastRow.Dispose();
    }

    /// <summary>A softmax's weight from its exponential; tiny ones become 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Weight(T exponential, T inverse) =>
        T.Max(T.All(0f), T.MultiplyAdd(exponential, inverse, T.All(-Floor)));

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

    /// <summary><c>2^(factor (x - greatest))</c>, with 0 in the padding; gives the inverse of their sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Exponentials(float* x, float factor, float greatest, float* result)
    {
        var scale = T.All(factor);
        var top = T.All(-(factor * greatest));
        var sum = T.All(0f);
        var lastRow = _padded - T.Count;
        for (var i = 0; i < lastRow; i += T.Count)
        {
            var e = LaneMath.Exp2(T.MultiplyAdd(scale, T.Load(x + i), top));
            e.Store(result + i);
            sum += e;
        }

        var end = LaneMath.Exp2(T.MultiplyAdd(scale, T.Load(x + lastRow), top)) * T.Load(_lastRowMask);
        end.Store(result + lastRow);
        return 1f / T.Sum(sum + end);
    }

    /// <summary>Puts the ring's other end before its first slot and its beginning after its last.</summary>
    private void Close(float* ring)
    {
        for (var j = 1; j <= _reach; j++)
        {
            ring[-j] = ring[_slots - j];
        }

        for (var j = 0; j < _reach; j++)
        {
            ring[_slots + j] = ring[j];
        }
    }

    /// <summary>
    /// <c>l(i) = log2(sum_j s(j) d(i - j) + tiny)</c>; gives the greatest. The padding repeats the first slots with some terms
    /// left out, so that it is never the greatest alone.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float ShiftedLogarithms(float* ring, float* shift, float* logarithms)
    {
        var tiny = T.All(Tiny);
        var greatest = T.All(float.NegativeInfinity);
        if (_shiftWidth == 3)
        {
            T back = T.All(shift[0]), stay = T.All(shift[1]), forth = T.All(shift[2]);
            for (var i = 0; i < _padded; i += T.Count)
            {
                var h = T.MultiplyAdd(stay, T.Load(ring + i), tiny);
                h = T.MultiplyAdd(back, T.Load(ring + i + 1), h);
                h = T.MultiplyAdd(forth, T.Load(ring + i - 1), h);
                var l = LaneMath.Log2(h);
                l.Store(logarithms + i);
                greatest = T.Max(greatest, l);
            }
        }
        else
        {
            for (var i = 0; i < _padded; i += T.Count)
            {
                var h = tiny;
                for (var j = -_reach; j <= _reach; j++)
                {
                    h = T.MultiplyAdd(T.All(shift[j + _reach]), T.Load(ring + i - j), h);
                }

                var l = LaneMath.Log2(h);
                l.Store(logarithms + i);
                greatest = T.Max(greatest, l);
            }
        }

        return T.Greatest(greatest);
    }
}
