using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Where the heads' parameters stand among the interface values of one step: for the read heads, then for the write heads,
/// key, key strength, interpolation gate, shift weighting, sharpening; last the erase and add vectors. The activations, and
/// their derivatives from the activated value y alone:
/// <code>
/// key, add       y = tanh x                  dx = dy (1 - y^2)
/// erase, gate    y = sigmoid x               dx = dy y (1 - y)
/// key strength   y = softplus x              dx = dy (1 - e^-y)
/// sharpening     y = 1 + softplus x          dx = dy (1 - e^(1-y))
/// shift          y = softmax x               dx = y (dy - sum y dy)
/// </code>
/// One pass over all values of the step does every tanh and sigmoid, <c>y = offset + factor / (1 + e^(scale x))</c> and
/// <c>dx = dy (constant + y (linear - square y))</c>, with a row of each number that tells the functions apart. What is left,
/// a few values a head, is gathered into rows of its own.
/// </summary>
internal sealed unsafe class NtmInterface
{
    private readonly NtmShape _shape;
    private readonly int _write;
    private readonly int _size;
    private readonly HeadPlaces[] _places;
    private readonly float[] _scale;
    private readonly float[] _offset;
    private readonly float[] _factor;
    private readonly float[] _constant;
    private readonly float[] _linear;
    private readonly float[] _square;
    private readonly float[] _arguments;
    private readonly float[] _exponentials;
    private readonly float[] _softplus;

    public NtmInterface(NtmShape shape)
    {
        _shape = shape;
        _size = shape.InterfaceSize;
        _write = shape.ReadHeads * (shape.Width + shape.ShiftWidth + 3);
        EraseStart = _write + (shape.WriteHeads * (shape.Width + shape.ShiftWidth + 3));
        AddStart = EraseStart + (shape.WriteHeads * shape.Width);
        _places = [.. Enumerable.Range(0, shape.Heads).Select(FindPlaces)];

        (_scale, _offset, _factor) = (new float[_size], new float[_size], new float[_size]);
        (_constant, _linear, _square) = (new float[_size], new float[_size], new float[_size]);
        Array.Fill(_constant, 1f);
        foreach (var places in _places)
        {
            MarkTanh(places.Key, shape.Width);
            MarkSigmoid(places.Gate, 1);
        }

        MarkSigmoid(EraseStart, shape.WriteHeads * shape.Width);
        MarkTanh(AddStart, shape.WriteHeads * shape.Width);

        // Strengths, sharpenings, then shifts, rounded up to whole rows of the widest lanes.
        var gathered = Rows.Padded<Lanes512>(shape.Heads * (shape.ShiftWidth + 2));
        (_arguments, _exponentials, _softplus) = (new float[gathered], new float[gathered], new float[gathered]);
    }

    /// <summary>Where the erase vectors begin, one head after the other.</summary>
    public int EraseStart { get; }

    /// <summary>Where the add vectors begin, one head after the other.</summary>
    public int AddStart { get; }

    /// <summary>Where the parameters of a head stand; read heads come first.</summary>
    public HeadPlaces Places(int head) => _places[head];

    /// <summary>Activates the values of one step in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward<T>(float* values)
        where T : unmanaged, ILanes<T>
    {
        fixed (float* arguments = _arguments, exponentials = _exponentials, softplus = _softplus)
        {
            Gather(values, arguments);
            if (_size < T.Count)
            {
                Activate<Lanes1>(values);
            }
            else
            {
                Activate<T>(values);
            }

            // Shifts have their greatest taken off already, so that -|x| is x for them.
            for (var i = 0; i < _arguments.Length; i += T.Count)
            {
                var x = T.Load(arguments + i);
                var minus = T.All(0f) - x;
                var e = LaneMath.Exp(T.Min(x, minus));
                e.Store(exponentials + i);
                (T.Max(x, T.All(0f)) + LaneMath.LogOnePlus(e)).Store(softplus + i);
            }

            Scatter(values, exponentials, softplus);
        }
    }

    /// <summary>Turns gradients of activated values into gradients of the values before activation, in place.</summary>
    /// <param name="values">The activated values.</param>
    /// <param name="gradients">Their gradients.</param>
    public void Backward(float* values, float* gradients)
    {
        // Every width gives the same bits here, as no sum goes over lanes: the widest will do.
        switch (VectorPaths.Best)
        {
            case VectorPath.Vector512:
                Backward<Lanes512>(values, gradients);
                break;
            case VectorPath.Vector256:
                Backward<Lanes256>(values, gradients);
                break;
            case VectorPath.Vector128:
                Backward<Lanes128>(values, gradients);
                break;
            default:
                Backward<Lanes1>(values, gradients);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Backward<T>(float* values, float* gradients)
        where T : unmanaged, ILanes<T>
    {
        var heads = _shape.Heads;
        fixed (float* arguments = _arguments, slopes = _exponentials)
        {
            for (var head = 0; head < heads; head++)
            {
                var places = _places[head];
                arguments[head] = -values[places.Strength];
                arguments[heads + head] = 1 - values[places.Sharpening];
                SoftmaxBackward(values + places.Shift, gradients + places.Shift, _shape.ShiftWidth);
            }

            if (_size < T.Count)
            {
                Deactivate<Lanes1>(values, gradients);
            }
            else
            {
                Deactivate<T>(values, gradients);
            }

            for (var i = 0; i < 2 * heads; i += T.Count)
            {
                (T.All(0f) - LaneMath.ExpMinusOne(T.Load(arguments + i))).Store(slopes + i);
            }

            for (var head = 0; head < heads; head++)
            {
                var places = _places[head];
                gradients[places.Strength] *= slopes[head];
                gradients[places.Sharpening] *= slopes[heads + head];
            }
        }
    }

    /// <summary>Where the parameters of a head stand; read heads come first.</summary>
    private HeadPlaces FindPlaces(int head)
    {
        var (start, heads, index) = head < _shape.ReadHeads
            ? (0, _shape.ReadHeads, head)
            : (_write, _shape.WriteHeads, head - _shape.ReadHeads);
        var strength = start + (heads * _shape.Width);
        var gate = strength + heads;
        var shift = gate + heads;
        var sharpening = shift + (heads * _shape.ShiftWidth);
        return new HeadPlaces(
            start + (index * _shape.Width),
            strength + index,
            gate + index,
            shift + (index * _shape.ShiftWidth),
            sharpening + index);
    }

    private void MarkTanh(int start, int count)
    {
        _scale.AsSpan(start, count).Fill(2f);
        _offset.AsSpan(start, count).Fill(1f);
        _factor.AsSpan(start, count).Fill(-2f);
        _square.AsSpan(start, count).Fill(1f);
    }

    private void MarkSigmoid(int start, int count)
    {
        _scale.AsSpan(start, count).Fill(-1f);
        _factor.AsSpan(start, count).Fill(1f);
        _constant.AsSpan(start, count).Clear();
        _linear.AsSpan(start, count).Fill(1f);
        _square.AsSpan(start, count).Fill(1f);
    }

    private void Gather(float* values, float* arguments)
    {
        var heads = _shape.Heads;
        var width = _shape.ShiftWidth;
        for (var head = 0; head < heads; head++)
        {
            var places = _places[head];
            arguments[head] = values[places.Strength];
            arguments[heads + head] = values[places.Sharpening];
            var shift = values + places.Shift;
            var greatest = shift[0];
            for (var j = 1; j < width; j++)
            {
                greatest = MathF.Max(greatest, shift[j]);
            }

            for (var j = 0; j < width; j++)
            {
                arguments[(2 * heads) + (head * width) + j] = shift[j] - greatest;
            }
        }
    }

    private void Scatter(float* values, float* exponentials, float* softplus)
    {
        var heads = _shape.Heads;
        var width = _shape.ShiftWidth;
        for (var head = 0; head < heads; head++)
        {
            var places = _places[head];
            values[places.Strength] = softplus[head];
            values[places.Sharpening] = 1 + softplus[heads + head];
            var weights = exponentials + (2 * heads) + (head * width);
            var sum = weights[0];
            for (var j = 1; j < width; j++)
            {
                sum += weights[j];
            }

            var inverse = 1 / sum;
            for (var j = 0; j < width; j++)
            {
                values[places.Shift + j] = weights[j] * inverse;
            }
        }
    }

    /// <summary>
    /// Every tanh and sigmoid; the values between them get numbers that <see cref="Scatter"/> overwrites. The last row of lanes
    /// ends with the last value: where it overlaps the row before, it is computed first and stored last.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Activate<T>(float* values)
        where T : unmanaged, ILanes<T>
    {
        fixed (float* scale = _scale, offset = _offset, factor = _factor)
        {
            var end = _size - T.Count;
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

    /// <summary>Their derivatives; gradients of the values between them stay as they are. Rows as in <see cref="Activate"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Deactivate<T>(float* values, float* gradients)
        where T : unmanaged, ILanes<T>
    {
        fixed (float* constant = _constant, linear = _linear, square = _square)
        {
            var end = _size - T.Count;
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

    private static void SoftmaxBackward(float* values, float* gradients, int count)
    {
        var mean = 0f;
        for (var i = 0; i < count; i++)
        {
            mean += values[i] * gradients[i];
        }

        for (var i = 0; i < count; i++)
        {
            gradients[i] = values[i] * (gradients[i] - mean);
        }
    }
}

/// <summary>Where the parameters of one head stand among the interface values.</summary>
internal readonly record struct HeadPlaces(int Key, int Strength, int Gate, int Shift, int Sharpening);
