using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// The pointwise part of a controller for one sequence and step, given the sum z of all products. Gates stand one after the
/// other, each padded to whole rows of lanes. LSTM, with gates i, f, g, o:
/// <code>
/// c' = sigmoid(f) c + sigmoid(i) tanh(g)     h = sigmoid(o) tanh(c')
/// do = dh tanh(c') o (1 - o)                 dc' += dh o (1 - tanh(c')^2)
/// di = dc' g i (1 - i)    df = dc' c f (1 - f)    dg = dc' i (1 - g^2)    dc = dc' f
/// </code>
/// Feed-forward: <c>h = tanh(z)</c>, <c>dz = dh (1 - h^2)</c>.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal static unsafe class ControllerCell<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>One LSTM step.</summary>
    /// <param name="padded">The units rounded up to whole rows of lanes.</param>
    /// <param name="gates">z going in, the activated gates coming out, <c>[4, padded]</c>.</param>
    /// <param name="cell">c, <c>[padded]</c>.</param>
    /// <param name="nextCell">Gets c'.</param>
    /// <param name="hidden">Gets h; room for whole rows of lanes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LstmForward(int padded, float* gates, float* cell, float* nextCell, float* hidden)
    {
        float* inputGate = gates, forgetGate = gates + padded, candidate = gates + (2 * padded), outputGate = gates + (3 * padded);
        for (var j = 0; j < padded; j += T.Count)
        {
            var i = LaneMath.Sigmoid(T.Load(inputGate + j));
            var f = LaneMath.Sigmoid(T.Load(forgetGate + j));
            var g = LaneMath.Tanh(T.Load(candidate + j));
            var o = LaneMath.Sigmoid(T.Load(outputGate + j));
            var c = T.MultiplyAdd(f, T.Load(cell + j), i * g);
            i.Store(inputGate + j);
            f.Store(forgetGate + j);
            g.Store(candidate + j);
            o.Store(outputGate + j);
            c.Store(nextCell + j);
            (o * LaneMath.Tanh(c)).Store(hidden + j);
        }
    }

    /// <summary>One LSTM step backward.</summary>
    /// <param name="padded">The units rounded up to whole rows of lanes.</param>
    /// <param name="gates">The activated gates going in, dz coming out.</param>
    /// <param name="cell">c.</param>
    /// <param name="nextCell">c'.</param>
    /// <param name="hiddenGradient">dh.</param>
    /// <param name="cellGradient">dc' going in, dc coming out.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LstmBackward(
        int padded, float* gates, float* cell, float* nextCell, float* hiddenGradient, float* cellGradient)
    {
        float* inputGate = gates, forgetGate = gates + padded, candidate = gates + (2 * padded), outputGate = gates + (3 * padded);
        var one = T.All(1f);
        for (var j = 0; j < padded; j += T.Count)
        {
            T i = T.Load(inputGate + j), f = T.Load(forgetGate + j), g = T.Load(candidate + j), o = T.Load(outputGate + j);
            var tanh = LaneMath.Tanh(T.Load(nextCell + j));
            var dh = T.Load(hiddenGradient + j);
            var dc = T.MultiplyAdd(dh * o, one - (tanh * tanh), T.Load(cellGradient + j));
            (dc * g * i * (one - i)).Store(inputGate + j);
            (dc * T.Load(cell + j) * f * (one - f)).Store(forgetGate + j);
            (dc * i * (one - (g * g))).Store(candidate + j);
            (dh * tanh * o * (one - o)).Store(outputGate + j);
            (dc * f).Store(cellGradient + j);
        }
    }

    /// <summary>One feed-forward step.</summary>
    /// <param name="padded">The units rounded up to whole rows of lanes.</param>
    /// <param name="gates">z going in, h coming out.</param>
    /// <param name="hidden">Gets h too; room for whole rows of lanes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FeedForwardForward(int padded, float* gates, float* hidden)
    {
        for (var j = 0; j < padded; j += T.Count)
        {
            var h = LaneMath.Tanh(T.Load(gates + j));
            h.Store(gates + j);
            h.Store(hidden + j);
        }
    }

    /// <summary>One feed-forward step backward.</summary>
    /// <param name="padded">The units rounded up to whole rows of lanes.</param>
    /// <param name="gates">h going in, dz coming out.</param>
    /// <param name="hiddenGradient">dh.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FeedForwardBackward(int padded, float* gates, float* hiddenGradient)
    {
        for (var j = 0; j < padded; j += T.Count)
        {
            var h = T.Load(gates + j);
            (T.Load(hiddenGradient + j) * (T.All(1f) - (h * h))).Store(gates + j);
        }
    }
}
