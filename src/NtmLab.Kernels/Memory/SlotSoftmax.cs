using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// The parts of a softmax over the slots of one memory. Rows of slots are padded with zeros to whole rows of lanes. Every weight
/// has <see cref="Floor"/> taken from it, and what is above 0 is kept: far below the rounding of any sum, but products with what
/// is left are no subnormal numbers, which processors are slow at.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class SlotSoftmax<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private const float Floor = 1e-27f;

    private readonly int _padded;
    private readonly NativeBuffer _lastRow;

    // Kept apart from its buffer, since a call that is not inlined would drive a loop's sums out of their registers.
    private readonly float* _lastRowMask;

    public SlotSoftmax(int slots)
    {
        _padded = Rows.Padded<T>(slots);

        // 1 for the slots of the last row of lanes, 0 for its padding.
        _lastRow = new NativeBuffer(T.Count);
        _lastRowMask = _lastRow.Pointer;
        new Span<float>(_lastRowMask, T.Count - (_padded - slots)).Fill(1f);
    }

    /// <summary>A weight from its exponential; tiny ones become 0.</summary>
    /// <param name="exponential">The exponential.</param>
    /// <param name="inverse">The inverse of the sum of all.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Weight(T exponential, T inverse) =>
        T.Max(T.All(0f), T.MultiplyAdd(exponential, inverse, T.All(-Floor)));

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

    /// <summary><c>2^(factor (x - greatest))</c>, with 0 in the padding; gives the inverse of their sum.</summary>
    /// <param name="x"><c>[padded slots]</c>.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="greatest">The greatest x, or 0 where no exponent needs it.</param>
    /// <param name="result">Gets the exponentials, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Exponentials(float* x, float factor, float greatest, float* result)
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

    /// <summary>Turns exponentials into weights, in place.</summary>
    /// <param name="exponentials"><c>[padded slots]</c>.</param>
    /// <param name="inverse">The inverse of their sum.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Weights(float* exponentials, float inverse)
    {
        var factor = T.All(inverse);
        for (var i = 0; i < _padded; i += T.Count)
        {
            Weight(T.Load(exponentials + i), factor).Store(exponentials + i);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lastRow.Dispose();
}
