using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Every tanh and sigmoid among the interface values of one step, in one pass over all of them:
/// <c>y = offset + factor / (1 + e^(scale x))</c> and <c>dx = dy (constant + y (linear - square y))</c>, with a row of each
/// number that tells the functions apart.
/// </summary>
/// <param name="size">The interface values.</param>
internal sealed unsafe class InterfaceFunctions(int size)
{
    private readonly float[] _scale = new float[size];
    private readonly float[] _offset = new float[size];
    private readonly float[] _factor = new float[size];
    private readonly float[] _constant = Filled(size, 1f);
    private readonly float[] _linear = new float[size];
    private readonly float[] _square = new float[size];

    /// <summary>Some values pass through tanh.</summary>
    public void Tanh(int start, int count)
    {
        _scale.AsSpan(start, count).Fill(2f);
        _offset.AsSpan(start, count).Fill(1f);
        _factor.AsSpan(start, count).Fill(-2f);
        _square.AsSpan(start, count).Fill(1f);
    }

    /// <summary>Some values pass through the logistic function.</summary>
    public void Sigmoid(int start, int count)
    {
        _scale.AsSpan(start, count).Fill(-1f);
        _factor.AsSpan(start, count).Fill(1f);
        _constant.AsSpan(start, count).Clear();
        _linear.AsSpan(start, count).Fill(1f);
        _square.AsSpan(start, count).Fill(1f);
    }

    /// <summary>Activates in place; the values of other functions get numbers that mean nothing.</summary>
    public void Forward<T>(float* values)
        where T : unmanaged, ILanes<T>
    {
        if (size < T.Count)
        {
            Activate<Lanes1>(values);
        }
        else
        {
            Activate<T>(values);
        }
    }

    /// <summary>Turns gradients of activated values into those before activation; gradients of other functions stay as they are.</summary>
    public void Backward<T>(float* values, float* gradients)
        where T : unmanaged, ILanes<T>
    {
        if (size < T.Count)
        {
            Deactivate<Lanes1>(values, gradients);
        }
        else
        {
            Deactivate<T>(values, gradients);
        }
    }

    /// <summary>
    /// The last row of lanes ends with the last value: where it overlaps the row before, it is computed first and stored last.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Activate<T>(float* values)
        where T : unmanaged, ILanes<T>
    {
        fixed (float* scale = _scale, offset = _offset, factor = _factor)
        {
            var end = size - T.Count;
            var last = Activated<T>(values + end, scale + end, offset + end, factor + end);
            for (var i = 0; i < end; i += T.Count)
            {
                Activated<T>(values + i, scale + i, offset + i, factor + i).Store(values + i);
            }

            last.Store(values + end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Activated<T>(float* values, float* scale, float* offset, float* factor)
        where T : unmanaged, ILanes<T>
    {
        var e = LaneMath.Exp(T.Load(values) * T.Load(scale));
        return T.Load(offset) + (T.Load(factor) / (T.All(1f) + e));
    }

    /// <summary>Rows as in <see cref="Activate"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Deactivate<T>(float* values, float* gradients)
        where T : unmanaged, ILanes<T>
    {
        fixed (float* constant = _constant, linear = _linear, square = _square)
        {
            var end = size - T.Count;
            var last = Deactivated<T>(values + end, gradients + end, constant + end, linear + end, square + end);
            for (var i = 0; i < end; i += T.Count)
            {
                Deactivated<T>(values + i, gradients + i, constant + i, linear + i, square + i).Store(gradients + i);
            }

            last.Store(gradients + end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Deactivated<T>(float* values, float* gradients, float* constant, float* linear, float* square)
        where T : unmanaged, ILanes<T>
    {
        var y = T.Load(values);
        var slope = T.MultiplyAdd(y, T.Load(linear) - (y * T.Load(square)), T.Load(constant));
        return T.Load(gradients) * slope;
    }

    private static float[] Filled(int size, float value)
    {
        var values = new float[size];
        Array.Fill(values, value);
        return values;
    }
}
