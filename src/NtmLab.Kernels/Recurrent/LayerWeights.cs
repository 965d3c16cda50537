namespace NtmLab.Kernels;

/// <summary>The parameters of one layer, packed for the products of both directions.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class LayerWeights<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    public LayerWeights(LayerShape shape)
    {
        Shape = shape;
        var (gates, units) = (shape.GateRows, shape.Units);
        var hidden = shape.Kind.IsRecurrent() ? units : 0;
        Input = new PackedMatrix<T>(shape.Inputs, gates);
        InputBack = new PackedMatrix<T>(gates, shape.Inputs);
        Reads = new PackedMatrix<T>(shape.Reads, gates);
        ReadsBack = new PackedMatrix<T>(gates, shape.Reads);
        Hidden = new PackedMatrix<T>(hidden, gates);
        HiddenBack = new PackedMatrix<T>(gates, hidden);
        Bias = new NativeBuffer(shape.BlockValues);
    }

    /// <summary>The layer's sizes.</summary>
    public LayerShape Shape { get; }

    /// <summary>Input to the first blocks.</summary>
    public PackedMatrix<T> Input { get; }

    /// <summary>The first blocks to the input.</summary>
    public PackedMatrix<T> InputBack { get; }

    /// <summary>Reads to the first blocks.</summary>
    public PackedMatrix<T> Reads { get; }

    /// <summary>The first blocks to the reads.</summary>
    public PackedMatrix<T> ReadsBack { get; }

    /// <summary>Hidden state to the last blocks.</summary>
    public PackedMatrix<T> Hidden { get; }

    /// <summary>The last blocks to the hidden state.</summary>
    public PackedMatrix<T> HiddenBack { get; }

    /// <summary>What every block starts from, <c>[blocks, units]</c>.</summary>
    public NativeBuffer Bias { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes =>
        Input.Bytes + InputBack.Bytes + Reads.Bytes + ReadsBack.Bytes + Hidden.Bytes + HiddenBack.Bytes + Bias.Bytes;

    /// <summary>Packs parameters.</summary>
    /// <param name="tensors">The parameters.</param>
    /// <param name="backward">Whether the backward products are wanted too.</param>
    public void Pack(LayerTensors tensors, bool backward)
    {
        var (kind, inputs, reads, units) = (Shape.Kind, Shape.Inputs, Shape.Reads, Shape.Units);
        for (var gate = 0; gate < kind.Gates(); gate++)
        {
            var column = kind.InputBlock(gate) * units;
            var weight = tensors.InputWeight + ((long)gate * units * Shape.Seen);
            Input.PackTransposed(weight, Shape.Seen, 0, inputs, column, units);
            Reads.PackTransposed(weight + inputs, Shape.Seen, 0, reads, column, units);
            Floats.Copy(tensors.Bias + (gate * units), Bias.Pointer + column, units);
            if (backward)
            {
                InputBack.Pack(weight, Shape.Seen, column, units, 0, inputs);
                ReadsBack.Pack(weight + inputs, Shape.Seen, column, units, 0, reads);
            }

            if (kind.IsRecurrent())
            {
                column = (kind.HiddenBlock(gate) - kind.FirstHiddenBlock()) * units;
                weight = tensors.HiddenWeight + ((long)gate * units * units);
                Hidden.PackTransposed(weight, units, 0, units, column, units);
                if (backward)
                {
                    HiddenBack.Pack(weight, units, column, units, 0, units);
                }
            }
        }

        if (kind == CellKind.Gru)
        {
            Floats.Copy(tensors.CandidateBias, Bias.Pointer + (3 * units), units);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in new IDisposable[] { Input, InputBack, Reads, ReadsBack, Hidden, HiddenBack, Bias })
        {
            held.Dispose();
        }
    }
}
