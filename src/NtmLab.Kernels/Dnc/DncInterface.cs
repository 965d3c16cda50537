using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Where the heads' parameters stand among the interface values of one step: read keys, their strengths, write key, its strength,
/// erase vector, write vector, free gates, allocation gate, write gate, and with links the read modes. The activations, and their
/// derivatives from the activated value y alone:
/// <code>
/// keys, write vector   y = x
/// erase, gates         y = sigmoid x        dx = dy y (1 - y)
/// key strengths        y = 1 + softplus x   dx = dy (1 - e^(1-y))
/// read modes           y = softmax x        dx = y (dy - sum y dy)
/// </code>
/// What has a function is gathered into rows of its own.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class DncInterface<T>
    where T : unmanaged, ILanes<T>
{
    private readonly int _width;
    private readonly int _heads;
    private readonly int _modes;
    private readonly float[] _sigmoids;
    private readonly float[] _strengths;
    private readonly float[] _exponentials;

    public DncInterface(DncShape shape)
    {
        (_width, _heads, _modes) = (shape.Width, shape.ReadHeads, shape.Links ? shape.ReadHeads : 0);
        ReadStrengths = _heads * _width;
        WriteKey = ReadStrengths + _heads;
        WriteStrength = WriteKey + _width;
        Erase = WriteStrength + 1;
        Vector = Erase + _width;
        FreeGates = Vector + _width;
        AllocationGate = FreeGates + _heads;
        WriteGate = AllocationGate + 1;
        Modes = WriteGate + 1;
        _sigmoids = new float[Rows.Padded<T>(_width + Gates)];
        _strengths = new float[Rows.Padded<T>(_heads + 1)];
        _exponentials = new float[Rows.Padded<T>(_modes * DncShape.Modes)];
    }

    /// <summary>Where the strengths of the read keys begin; the read keys themselves begin at 0.</summary>
    public int ReadStrengths { get; }

    /// <summary>Where the write key begins.</summary>
    public int WriteKey { get; }

    /// <summary>Where its strength stands.</summary>
    public int WriteStrength { get; }

    /// <summary>Where the erase vector begins.</summary>
    public int Erase { get; }

    /// <summary>Where the write vector begins.</summary>
    public int Vector { get; }

    /// <summary>Where the free gates begin.</summary>
    public int FreeGates { get; }

    /// <summary>Where the allocation gate stands.</summary>
    public int AllocationGate { get; }

    /// <summary>Where the write gate stands.</summary>
    public int WriteGate { get; }

    /// <summary>Where the read modes begin, three a head: backward, content, forward.</summary>
    public int Modes { get; }

    private int Gates => _heads + 2;

    /// <summary>Activates the values of one step in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(float* values)
    {
        fixed (float* sigmoids = _sigmoids, strengths = _strengths, exponentials = _exponentials)
        {
            Floats.Copy(values + Erase, sigmoids, _width);
            Floats.Copy(values + FreeGates, sigmoids + _width, Gates);
            for (var i = 0; i < _sigmoids.Length; i += T.Count)
            {
                LaneMath.Sigmoid(T.Load(sigmoids + i)).Store(sigmoids + i);
            }

            Floats.Copy(sigmoids, values + Erase, _width);
            Floats.Copy(sigmoids + _width, values + FreeGates, Gates);

            Floats.Copy(values + ReadStrengths, strengths, _heads);
            strengths[_heads] = values[WriteStrength];
            for (var i = 0; i < _strengths.Length; i += T.Count)
            {
                var x = T.Load(strengths + i);
                var e = LaneMath.Exp(T.Min(x, T.All(0f) - x));
                (T.All(1f) + T.Max(x, T.All(0f)) + LaneMath.LogOnePlus(e)).Store(strengths + i);
            }

            Floats.Copy(strengths, values + ReadStrengths, _heads);
            values[WriteStrength] = strengths[_heads];
            ActivateModes(values + Modes, exponentials);
        }
    }

    /// <summary>Turns gradients of activated values into gradients of the values before activation, in place.</summary>
    /// <param name="values">The activated values.</param>
    /// <param name="gradients">Their gradients.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(float* values, float* gradients)
    {
        fixed (float* strengths = _strengths)
        {
            DeactivateSigmoids(values + Erase, gradients + Erase, _width);
            DeactivateSigmoids(values + FreeGates, gradients + FreeGates, Gates);

            Floats.Copy(values + ReadStrengths, strengths, _heads);
            strengths[_heads] = values[WriteStrength];
            for (var i = 0; i < _strengths.Length; i += T.Count)
            {
                (T.All(0f) - LaneMath.ExpMinusOne(T.All(1f) - T.Load(strengths + i))).Store(strengths + i);
            }

            for (var head = 0; head < _heads; head++)
            {
                gradients[ReadStrengths + head] *= strengths[head];
            }

            gradients[WriteStrength] *= strengths[_heads];
            for (var head = 0; head < _modes; head++)
            {
                var at = Modes + (head * DncShape.Modes);
                float* y = values + at, d = gradients + at;
                var mean = (y[0] * d[0]) + (y[1] * d[1]) + (y[2] * d[2]);
                for (var mode = 0; mode < DncShape.Modes; mode++)
                {
                    d[mode] = y[mode] * (d[mode] - mean);
                }
            }
        }
    }

    private static void DeactivateSigmoids(float* values, float* gradients, int count)
    {
        for (var i = 0; i < count; i++)
        {
            gradients[i] *= values[i] * (1 - values[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ActivateModes(float* modes, float* exponentials)
    {
        for (var head = 0; head < _modes; head++)
        {
            float* x = modes + (head * DncShape.Modes), e = exponentials + (head * DncShape.Modes);
            var greatest = MathF.Max(x[0], MathF.Max(x[1], x[2]));
            (e[0], e[1], e[2]) = (x[0] - greatest, x[1] - greatest, x[2] - greatest);
        }

        for (var i = 0; i < _exponentials.Length; i += T.Count)
        {
            LaneMath.Exp(T.Load(exponentials + i)).Store(exponentials + i);
        }

        for (var head = 0; head < _modes; head++)
        {
            float* y = modes + (head * DncShape.Modes), e = exponentials + (head * DncShape.Modes);
            var inverse = 1 / (e[0] + e[1] + e[2]);
            (y[0], y[1], y[2]) = (e[0] * inverse, e[1] * inverse, e[2] * inverse);
        }
    }
}
