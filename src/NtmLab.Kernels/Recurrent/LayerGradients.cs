namespace NtmLab.Kernels;

/// <summary>Gradients of one layer's parameters, summed over one group of sequences.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class LayerGradients<T>
    where T : unmanaged, ILanes<T>
{
    private readonly LayerShape _shape;

    public LayerGradients(LayerShape shape)
    {
        _shape = shape;
        Input = new GradientMatrix<T>(shape.GateRows, shape.Inputs);
        Reads = new GradientMatrix<T>(shape.GateRows, shape.Reads);
        Hidden = new GradientMatrix<T>(shape.GateRows, shape.Kind.IsRecurrent() ? shape.Units : 0);
        Bias = new GradientMatrix<T>(1, shape.BlockValues);
        StartHidden = new GradientMatrix<T>(1, shape.Units);
        StartCell = new GradientMatrix<T>(1, shape.Units);
    }

    /// <summary><c>[first blocks, inputs]</c>.</summary>
    public GradientMatrix<T> Input { get; }

    /// <summary><c>[first blocks, reads]</c>.</summary>
    public GradientMatrix<T> Reads { get; }

    /// <summary><c>[last blocks, units]</c>.</summary>
    public GradientMatrix<T> Hidden { get; }

    /// <summary><c>[1, blocks]</c>.</summary>
    public GradientMatrix<T> Bias { get; }

    /// <summary>Of a shared first hidden state, <c>[1, units]</c>.</summary>
    public GradientMatrix<T> StartHidden { get; }

    /// <summary>Of a shared first cell, <c>[1, units]</c>.</summary>
    public GradientMatrix<T> StartCell { get; }

    /// <summary>Every sum.</summary>
    public IEnumerable<GradientMatrix<T>> Matrices => [Input, Reads, Hidden, Bias, StartHidden, StartCell];

    /// <summary>Copies the gradients out in the layout of the parameters.</summary>
    public void CopyTo(LayerTensors target)
    {
        var (kind, inputs, units) = (_shape.Kind, _shape.Inputs, _shape.Units);
        for (var gate = 0; gate < kind.Gates(); gate++)
        {
            var row = kind.InputBlock(gate) * units;
            var seen = target.InputWeight + ((long)gate * units * _shape.Seen);
            Input.CopyTo(row, units, seen, _shape.Seen);
            Reads.CopyTo(row, units, seen + inputs, _shape.Seen);
            Bias.CopyRowTo(row, units, target.Bias + (gate * units));
            if (kind.IsRecurrent())
            {
                row = (kind.HiddenBlock(gate) - kind.FirstHiddenBlock()) * units;
                Hidden.CopyTo(row, units, target.HiddenWeight + ((long)gate * units * units), units);
            }
        }

        if (kind == CellKind.Gru)
        {
            Bias.CopyRowTo(3 * units, units, target.CandidateBias);
        }
    }
}
