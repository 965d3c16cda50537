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
/// </summary>
internal sealed unsafe class NtmInterface
{
    private readonly NtmShape _shape;
    private readonly int _write;

    public NtmInterface(NtmShape shape)
    {
        _shape = shape;
        _write = shape.ReadHeads * (shape.Width + shape.ShiftWidth + 3);
        EraseStart = _write + (shape.WriteHeads * (shape.Width + shape.ShiftWidth + 3));
        AddStart = EraseStart + (shape.WriteHeads * shape.Width);
    }

    /// <summary>Where the erase vectors begin, one head after the other.</summary>
    public int EraseStart { get; }

    /// <summary>Where the add vectors begin, one head after the other.</summary>
    public int AddStart { get; }

    /// <summary>Where the parameters of a head stand; read heads come first.</summary>
    public HeadPlaces Places(int head)
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

    /// <summary>Activates the values of one step in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward<T>(float* values)
        where T : unmanaged, ILanes<T>
    {
        for (var head = 0; head < _shape.Heads; head++)
        {
            var places = Places(head);
            Tanh<T>(values + places.Key, _shape.Width);
            values[places.Strength] = Softplus(values[places.Strength]);
            values[places.Gate] = 1 / (1 + MathF.Exp(-values[places.Gate]));
            Softmax(values + places.Shift, _shape.ShiftWidth);
            values[places.Sharpening] = 1 + Softplus(values[places.Sharpening]);
        }

        Sigmoid<T>(values + EraseStart, _shape.WriteHeads * _shape.Width);
        Tanh<T>(values + AddStart, _shape.WriteHeads * _shape.Width);
    }

    /// <summary>Turns gradients of activated values into gradients of the values before activation, in place.</summary>
    /// <param name="values">The activated values.</param>
    /// <param name="gradients">Their gradients.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(float* values, float* gradients)
    {
        for (var head = 0; head < _shape.Heads; head++)
        {
            var places = Places(head);
            TanhBackward(values + places.Key, gradients + places.Key, _shape.Width);
            gradients[places.Strength] *= 1 - MathF.Exp(-values[places.Strength]);
            gradients[places.Gate] *= values[places.Gate] * (1 - values[places.Gate]);
            SoftmaxBackward(values + places.Shift, gradients + places.Shift, _shape.ShiftWidth);
            gradients[places.Sharpening] *= 1 - MathF.Exp(1 - values[places.Sharpening]);
        }

        var vectors = _shape.WriteHeads * _shape.Width;
        for (var i = 0; i < vectors; i++)
        {
            var erase = values[EraseStart + i];
            gradients[EraseStart + i] *= erase * (1 - erase);
        }

        TanhBackward(values + AddStart, gradients + AddStart, vectors);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tanh<T>(float* values, int count)
        where T : unmanaged, ILanes<T>
    {
        var i = 0;
        for (; i + T.Count <= count; i += T.Count)
        {
            LaneMath.Tanh(T.Load(values + i)).Store(values + i);
        }

        for (; i < count; i++)
        {
            LaneMath.Tanh(Lanes1.Load(values + i)).Store(values + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sigmoid<T>(float* values, int count)
        where T : unmanaged, ILanes<T>
    {
        var i = 0;
        for (; i + T.Count <= count; i += T.Count)
        {
            LaneMath.Sigmoid(T.Load(values + i)).Store(values + i);
        }

        for (; i < count; i++)
        {
            LaneMath.Sigmoid(Lanes1.Load(values + i)).Store(values + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TanhBackward(float* values, float* gradients, int count)
    {
        for (var i = 0; i < count; i++)
        {
            gradients[i] *= 1 - (values[i] * values[i]);
        }
    }

    private static float Softplus(float x) => x > 20 ? x : MathF.Log(1 + MathF.Exp(x));

    private static void Softmax(float* values, int count)
    {
        var greatest = values[0];
        for (var i = 1; i < count; i++)
        {
            greatest = MathF.Max(greatest, values[i]);
        }

        var sum = 0f;
        for (var i = 0; i < count; i++)
        {
            values[i] = MathF.Exp(values[i] - greatest);
            sum += values[i];
        }

        for (var i = 0; i < count; i++)
        {
            values[i] /= sum;
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
