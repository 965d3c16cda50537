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
/// The last line's products with M are left to <see cref="MemoryMatrix{T}"/>, which passes over memory once for all heads.
/// Rows of slots are padded with zeros to whole rows of lanes.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe partial class NtmAddressing<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private const float Tiny = 1e-16f;

    private const float Ln2 = 0.693147180559945309f;

    private readonly int _slots;
    private readonly int _padded;
    private readonly int _shiftWidth;
    private readonly int _reach;
    private readonly NativeBuffer _ring;
    private readonly NativeBuffer _gated;
    private readonly SlotSoftmax<T> _softmax;
    private readonly ContentAddressing<T> _content;

    // Kept apart from its buffer, since a call that is not inlined would drive a loop's sums out of their registers.
    private readonly float* _ringStart;

    public NtmAddressing(NtmShape shape)
    {
        _slots = shape.Slots;
        _padded = Rows.Padded<T>(shape.Slots);
        _shiftWidth = shape.ShiftWidth;
        _reach = shape.ShiftWidth / 2;
        _ring = new NativeBuffer(_padded + (2L * _reach) + T.Count);
        _ringStart = _ring.Pointer + _reach;
        _gated = new NativeBuffer(_padded);
        _softmax = new SlotSoftmax<T>(shape.Slots);
        _content = new ContentAddressing<T>(shape, _softmax);
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
        var inverse = T.All(_content.Exponentials(head.Key, *head.Strength, memory, norms, similarity, content));
        var ring = _ringStart;
        var gate = T.All(*head.Gate);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var a = SlotSoftmax<T>.Weight(T.Load(content + i), inverse);
            a.Store(content + i);
            var p = T.Load(last + i);
            T.MultiplyAdd(gate, a - p, p).Store(ring + i);
        }

        Close(ring);
        var greatest = ShiftedLogarithms(ring, head.Shift, logarithms);
        _softmax.Weights(weighting, _softmax.Exponentials(logarithms, *head.Sharpening, greatest, weighting));
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
        *gradient.Strength = _content.Backward(
            new KeyGradient(head.Key, gradient.Key),
            *head.Strength,
            *head.Gate,
            norms,
            similarity,
            content,
            contentMean,
            weightingGradient,
            productGradient,
            normGradient);
        if (_slots < _padded)
        {
            new Span<float>(weightingGradient + _slots, _padded - _slots).Clear();
        }
    }

    /// <inheritdoc cref="SlotSoftmax{T}.Greatest"/>
    public float Greatest(float* x) => _softmax.Greatest(x);

    /// <inheritdoc/>
    public void Dispose()
    {
        _ring.Dispose();
        _gated.Dispose();
        _softmax.Dispose();
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
