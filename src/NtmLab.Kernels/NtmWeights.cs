namespace NtmLab.Kernels;

/// <summary>The parameters packed for the products of both directions; the state's order is reads, then hidden.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmWeights<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;

    public NtmWeights(NtmShape shape)
    {
        _shape = shape;
        PaddedUnits = Rows.Padded<T>(shape.Units);
        GateColumns = shape.Gates * PaddedUnits;
        Input = new PackedMatrix<T>(shape.Inputs, GateColumns);
        Recurrent = new PackedMatrix<T>(shape.RecurrentWidth, GateColumns);
        Interface = new PackedMatrix<T>(shape.Units, shape.InterfaceSize);
        Output = new PackedMatrix<T>(shape.StateWidth, shape.Outputs);
        InputBack = new PackedMatrix<T>(GateColumns, shape.Inputs);
        RecurrentBack = new PackedMatrix<T>(GateColumns, shape.RecurrentWidth);
        InterfaceBack = new PackedMatrix<T>(shape.InterfaceSize, shape.Units);
        OutputBack = new PackedMatrix<T>(shape.Outputs, shape.StateWidth);
        GateBias = new NativeBuffer(Input.PaddedColumns);
        InterfaceBias = new NativeBuffer(Interface.PaddedColumns);
        OutputBias = new NativeBuffer(Output.PaddedColumns);
    }

    /// <summary>Units rounded up to whole rows of lanes.</summary>
    public int PaddedUnits { get; }

    /// <summary>All gates of one step, each padded.</summary>
    public int GateColumns { get; }

    /// <summary>Input to gates.</summary>
    public PackedMatrix<T> Input { get; }

    /// <summary>State to gates.</summary>
    public PackedMatrix<T> Recurrent { get; }

    /// <summary>Hidden to interface.</summary>
    public PackedMatrix<T> Interface { get; }

    /// <summary>State to logits.</summary>
    public PackedMatrix<T> Output { get; }

    /// <summary>Gates to input.</summary>
    public PackedMatrix<T> InputBack { get; }

    /// <summary>Gates to state.</summary>
    public PackedMatrix<T> RecurrentBack { get; }

    /// <summary>Interface to hidden.</summary>
    public PackedMatrix<T> InterfaceBack { get; }

    /// <summary>Logits to state.</summary>
    public PackedMatrix<T> OutputBack { get; }

    /// <summary>Bias of the gates, padded as they are.</summary>
    public NativeBuffer GateBias { get; }

    /// <summary>Bias of the interface.</summary>
    public NativeBuffer InterfaceBias { get; }

    /// <summary>Bias of the logits.</summary>
    public NativeBuffer OutputBias { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes =>
        Input.Bytes + Recurrent.Bytes + Interface.Bytes + Output.Bytes + InputBack.Bytes + RecurrentBack.Bytes
        + InterfaceBack.Bytes + OutputBack.Bytes + GateBias.Bytes + InterfaceBias.Bytes + OutputBias.Bytes;

    /// <summary>Packs parameters.</summary>
    /// <param name="tensors">The parameters.</param>
    /// <param name="backward">Whether the backward products are wanted too.</param>
    public void Pack(NtmTensors tensors, bool backward)
    {
        var (units, inputs, reads) = (_shape.Units, _shape.Inputs, _shape.ReadWidth);
        var seen = inputs + reads;
        for (var gate = 0; gate < _shape.Gates; gate++)
        {
            var column = gate * PaddedUnits;
            var weight = tensors.InputWeight + ((long)gate * units * seen);
            Input.PackTransposed(weight, seen, 0, inputs, column, units);
            Recurrent.PackTransposed(weight + inputs, seen, 0, reads, column, units);
            Copy(tensors.Bias + (gate * units), GateBias.Pointer + column, units);
            if (backward)
            {
                InputBack.Pack(weight, seen, column, units, 0, inputs);
                RecurrentBack.Pack(weight + inputs, seen, column, units, 0, reads);
            }

            if (_shape.Controller == NtmControllerKind.Lstm)
            {
                var hidden = tensors.HiddenWeight + ((long)gate * units * units);
                Recurrent.PackTransposed(hidden, units, reads, units, column, units);
                if (backward)
                {
                    RecurrentBack.Pack(hidden, units, column, units, reads, units);
                }
            }
        }

        var both = units + reads;
        Interface.PackTransposed(tensors.InterfaceWeight, units, 0, units, 0, _shape.InterfaceSize);
        Output.PackTransposed(tensors.OutputWeight + units, both, 0, reads, 0, _shape.Outputs);
        Output.PackTransposed(tensors.OutputWeight, both, reads, units, 0, _shape.Outputs);
        Copy(tensors.InterfaceBias, InterfaceBias.Pointer, _shape.InterfaceSize);
        Copy(tensors.OutputBias, OutputBias.Pointer, _shape.Outputs);
        if (backward)
        {
            InterfaceBack.Pack(tensors.InterfaceWeight, units, 0, _shape.InterfaceSize, 0, units);
            OutputBack.Pack(tensors.OutputWeight + units, both, 0, _shape.Outputs, 0, reads);
            OutputBack.Pack(tensors.OutputWeight, both, 0, _shape.Outputs, reads, units);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in new IDisposable[]
        {
            Input, Recurrent, Interface, Output, InputBack, RecurrentBack, InterfaceBack, OutputBack, GateBias,
            InterfaceBias, OutputBias,
        })
        {
            held.Dispose();
        }
    }

    private static void Copy(float* source, float* target, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
}
