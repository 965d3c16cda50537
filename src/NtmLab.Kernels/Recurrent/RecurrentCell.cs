using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// The pointwise part of a layer for one sequence and step, given the sums of all products in blocks of one value a unit
/// (see <see cref="CellKinds"/>). LSTM, with gates i, f, g, o:
/// <code>
/// c' = sigmoid(f) c + sigmoid(i) tanh(g)     h' = sigmoid(o) tanh(c')
/// do = dh' tanh(c') o (1 - o)                dc' += dh' o (1 - tanh(c')^2)
/// di = dc' g i (1 - i)    df = dc' c f (1 - f)    dg = dc' i (1 - g^2)    dc = dc' f
/// </code>
/// GRU, with reset r, update z, and the candidate n from its parts a (input) and m (hidden state):
/// <code>
/// n  = tanh(a + sigmoid(r) m)                h' = (1 - sigmoid(z)) n + sigmoid(z) h
/// da = dh' (1 - z) (1 - n^2)                 dm = da r
/// dr = da m r (1 - r)                        dz = dh' (h - n) z (1 - z)        dh += dh' z
/// </code>
/// Feed-forward and plain recurrent: <c>h' = tanh(x)</c>, <c>dx = dh' (1 - h'^2)</c>.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal static unsafe class RecurrentCell<T>
    where T : unmanaged, ILanes<T>
{
    private const int MostBlocks = 4;

    /// <summary>One step.</summary>
    /// <param name="kind">The kind of layer.</param>
    /// <param name="units">Its width.</param>
    /// <param name="blocks">The sums going in, the activated values coming out, <c>[blocks, units]</c>.</param>
    /// <param name="state">LSTM: the cell c; GRU: the hidden state h; both padded to whole rows of lanes.</param>
    /// <param name="nextCell">LSTM: gets c', padded.</param>
    /// <param name="hidden">Gets h', padded.</param>
    public static void Forward(CellKind kind, int units, float* blocks, float* state, float* nextCell, float* hidden)
    {
        var whole = units / T.Count * T.Count;
        ForwardRows(kind, whole, units, blocks, state, nextCell, hidden);
        if (whole < units)
        {
            var tail = stackalloc float[MostBlocks * T.Count];
            CopyTail(kind.Blocks(), units, blocks + whole, units - whole, tail, gather: true);
            ForwardRows(kind, T.Count, T.Count, tail, state + whole, nextCell + whole, hidden + whole);
            CopyTail(kind.Blocks(), units, blocks + whole, units - whole, tail, gather: false);
        }
    }

    /// <summary>One step backward.</summary>
    /// <param name="kind">The kind of layer.</param>
    /// <param name="units">Its width.</param>
    /// <param name="blocks">The activated values going in, the gradients of the sums coming out.</param>
    /// <param name="state">LSTM: c; GRU: h.</param>
    /// <param name="after">LSTM: c'; else h'.</param>
    /// <param name="hiddenGradient">dh' going in; what of dh does not come through the products coming out.</param>
    /// <param name="cellGradient">LSTM: dc' going in, dc coming out.</param>
    public static void Backward(
        CellKind kind, int units, float* blocks, float* state, float* after, float* hiddenGradient, float* cellGradient)
    {
        var whole = units / T.Count * T.Count;
        BackwardRows(kind, whole, units, blocks, state, after, hiddenGradient, cellGradient);
        if (whole < units)
        {
            var tail = stackalloc float[MostBlocks * T.Count];
            CopyTail(kind.Blocks(), units, blocks + whole, units - whole, tail, gather: true);
            BackwardRows(
                kind, T.Count, T.Count, tail, state + whole, after + whole, hiddenGradient + whole, cellGradient + whole);
            CopyTail(kind.Blocks(), units, blocks + whole, units - whole, tail, gather: false);
        }
    }

    /// <summary>The units that do not fill a row of lanes, out to a scratch of whole rows or back.</summary>
    private static void CopyTail(int blocks, int stride, float* values, int count, float* tail, bool gather)
    {
        for (var block = 0; block < blocks; block++)
        {
            float* own = values + (block * stride), other = tail + (block * T.Count);
            for (var j = 0; j < T.Count; j++)
            {
                if (gather)
                {
                    other[j] = j < count ? own[j] : 0f;
                }
                else if (j < count)
                {
                    own[j] = other[j];
                }
            }
        }
    }

    private static void ForwardRows(
        CellKind kind, int count, int stride, float* blocks, float* state, float* nextCell, float* hidden)
    {
        switch (kind)
        {
            case CellKind.Lstm:
                LstmForward(count, stride, blocks, state, nextCell, hidden);
                break;
            case CellKind.Gru:
                GruForward(count, stride, blocks, state, hidden);
                break;
            default:
                TanhForward(count, blocks, hidden);
                break;
        }
    }

    private static void BackwardRows(
        CellKind kind, int count, int stride, float* blocks, float* state, float* after, float* hiddenGradient, float* cellGradient)
    {
        switch (kind)
        {
            case CellKind.Lstm:
                LstmBackward(count, stride, blocks, state, after, hiddenGradient, cellGradient);
                break;
            case CellKind.Gru:
                GruBackward(count, stride, blocks, state, hiddenGradient);
                break;
            default:
                TanhBackward(count, blocks, after, hiddenGradient);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LstmForward(int count, int stride, float* blocks, float* cell, float* nextCell, float* hidden)
    {
        float* inputGate = blocks, forgetGate = blocks + stride, candidate = blocks + (2 * stride), outputGate = blocks + (3 * stride);
        for (var j = 0; j < count; j += T.Count)
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LstmBackward(
        int count, int stride, float* blocks, float* cell, float* nextCell, float* hiddenGradient, float* cellGradient)
    {
        float* inputGate = blocks, forgetGate = blocks + stride, candidate = blocks + (2 * stride), outputGate = blocks + (3 * stride);
        var one = T.All(1f);
        for (var j = 0; j < count; j += T.Count)
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
            T.All(0f).Store(hiddenGradient + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GruForward(int count, int stride, float* blocks, float* last, float* hidden)
    {
        float* candidate = blocks, reset = blocks + stride, update = blocks + (2 * stride), fromHidden = blocks + (3 * stride);
        for (var j = 0; j < count; j += T.Count)
        {
            var r = LaneMath.Sigmoid(T.Load(reset + j));
            var z = LaneMath.Sigmoid(T.Load(update + j));
            var n = LaneMath.Tanh(T.MultiplyAdd(r, T.Load(fromHidden + j), T.Load(candidate + j)));
            n.Store(candidate + j);
            r.Store(reset + j);
            z.Store(update + j);
            T.MultiplyAdd(z, T.Load(last + j) - n, n).Store(hidden + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GruBackward(int count, int stride, float* blocks, float* last, float* hiddenGradient)
    {
        float* candidate = blocks, reset = blocks + stride, update = blocks + (2 * stride), fromHidden = blocks + (3 * stride);
        var one = T.All(1f);
        for (var j = 0; j < count; j += T.Count)
        {
            T n = T.Load(candidate + j), r = T.Load(reset + j), z = T.Load(update + j);
            var dh = T.Load(hiddenGradient + j);
            var da = dh * (one - z) * (one - (n * n));
            da.Store(candidate + j);
            (da * T.Load(fromHidden + j) * r * (one - r)).Store(reset + j);
            (dh * (T.Load(last + j) - n) * z * (one - z)).Store(update + j);
            (da * r).Store(fromHidden + j);
            (dh * z).Store(hiddenGradient + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TanhForward(int count, float* blocks, float* hidden)
    {
        for (var j = 0; j < count; j += T.Count)
        {
            LaneMath.Tanh(T.Load(blocks + j)).Store(hidden + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TanhBackward(int count, float* blocks, float* hidden, float* hiddenGradient)
    {
        for (var j = 0; j < count; j += T.Count)
        {
            var h = T.Load(hidden + j);
            (T.Load(hiddenGradient + j) * (T.All(1f) - (h * h))).Store(blocks + j);
            T.All(0f).Store(hiddenGradient + j);
        }
    }
}
