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
/// Every tanh and sigmoid is <see cref="InterfaceFunctions"/>'. What is left, a few values a head, is gathered into rows of its
/// own.
/// </summary>
internal sealed unsafe class NtmInterface
{
    private readonly NtmShape _shape;
    private readonly int _write;
    private readonly HeadPlaces[] _places;
    private readonly InterfaceFunctions _functions;
    private readonly float[] _arguments;
    private readonly float[] _exponentials;
    private readonly float[] _softplus;

    public NtmInterface(NtmShape shape)
    {
        _shape = shape;
        _write = shape.ReadHeads * (shape.Width + shape.ShiftWidth + 3);
        EraseStart = _write + (shape.WriteHeads * (shape.Width + shape.ShiftWidth + 3));
        AddStart = EraseStart + (shape.WriteHeads * shape.Width);
        _places = [.. Enumerable.Range(0, shape.Heads).Select(FindPlaces)];

        _functions = new InterfaceFunctions(shape.InterfaceSize);
        foreach (var places in _places)
        {
            _functions.Tanh(places.Key, shape.Width);
            _functions.Sigmoid(places.Gate, 1);
        }

        _functions.Sigmoid(EraseStart, shape.WriteHeads * shape.Width);
        _functions.Tanh(AddStart, shape.WriteHeads * shape.Width);

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
            _functions.Forward<T>(values);

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

            _functions.Backward<T>(values, gradients);

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
