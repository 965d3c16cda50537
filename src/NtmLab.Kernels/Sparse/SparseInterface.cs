using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Where the heads' parameters stand among the interface values of one step: all queries, key strengths, write gates,
/// interpolation gates, add vectors. The activations, and their derivatives from the activated value y alone:
/// <code>
/// query, add   y = tanh x        dx = dy (1 - y^2)
/// gates        y = sigmoid x     dx = dy y (1 - y)
/// key strength y = softplus x    dx = dy (1 - e^-y)
/// </code>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class SparseInterface<T>
    where T : unmanaged, ILanes<T>
{
    private readonly int _heads;
    private readonly int _width;
    private readonly InterfaceFunctions _functions;
    private readonly float[] _strengths;

    public SparseInterface(SparseShape shape)
    {
        (_heads, _width) = (shape.ReadHeads, shape.Width);
        Strengths = _heads * _width;
        WriteGates = Strengths + _heads;
        Gates = WriteGates + _heads;
        Adds = Gates + _heads;
        _functions = new InterfaceFunctions(shape.InterfaceSize);
        _functions.Tanh(0, _heads * _width);
        _functions.Sigmoid(WriteGates, 2 * _heads);
        _functions.Tanh(Adds, _heads * _width);
        _strengths = new float[Rows.Padded<T>(_heads)];
    }

    /// <summary>Where the key strengths begin.</summary>
    public int Strengths { get; }

    /// <summary>Where the write gates begin.</summary>
    public int WriteGates { get; }

    /// <summary>Where the interpolation gates begin.</summary>
    public int Gates { get; }

    /// <summary>Where the add vectors begin, one head after the other.</summary>
    public int Adds { get; }

    /// <summary>Activates the values of one step in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(float* values)
    {
        fixed (float* strengths = _strengths)
        {
            Floats.Copy(values + Strengths, strengths, _heads);
            _functions.Forward<T>(values);
            for (var i = 0; i < _heads; i += T.Count)
            {
                var x = T.Load(strengths + i);
                var e = LaneMath.Exp(T.Min(x, T.All(0f) - x));
                (T.Max(x, T.All(0f)) + LaneMath.LogOnePlus(e)).Store(strengths + i);
            }

            Floats.Copy(strengths, values + Strengths, _heads);
        }
    }

    /// <summary>Turns gradients of activated values into gradients of the values before activation, in place.</summary>
    /// <param name="values">The activated values.</param>
    /// <param name="gradients">Their gradients.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(float* values, float* gradients)
    {
        fixed (float* slopes = _strengths)
        {
            Floats.Copy(values + Strengths, slopes, _heads);
            for (var i = 0; i < _heads; i += T.Count)
            {
                (T.All(0f) - LaneMath.ExpMinusOne(T.All(0f) - T.Load(slopes + i))).Store(slopes + i);
            }

            _functions.Backward<T>(values, gradients);
            for (var head = 0; head < _heads; head++)
            {
                gradients[Strengths + head] *= slopes[head];
            }
        }
    }
}
