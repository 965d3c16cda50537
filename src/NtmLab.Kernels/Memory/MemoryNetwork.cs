namespace NtmLab.Kernels;

/// <summary>The packed parameters of a controller with a memory.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal abstract unsafe class MemoryNetwork<T> : Network<T>
    where T : unmanaged, ILanes<T>
{
    private readonly MemoryShape _shape;

    protected MemoryNetwork(MemoryShape shape)
    {
        _shape = shape;
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(index => new LayerWeights<T>(shape.Layer(index)))];
        Interface = new PackedMatrix<T>(shape.Units, shape.InterfaceSize);
        InterfaceBack = new PackedMatrix<T>(shape.InterfaceSize, shape.Units);
        Output = new PackedMatrix<T>(shape.Units, shape.Outputs);
        OutputBack = new PackedMatrix<T>(shape.Outputs, shape.Units);
        ReadsOutput = new PackedMatrix<T>(shape.ReadWidth, shape.Outputs);
        ReadsOutputBack = new PackedMatrix<T>(shape.Outputs, shape.ReadWidth);
        InterfaceBias = new NativeBuffer(Interface.PaddedColumns);
        OutputBias = new NativeBuffer(Output.PaddedColumns);
    }

    /// <summary>The controller's layers.</summary>
    public LayerWeights<T>[] Layers { get; }

    /// <summary>Hidden to interface.</summary>
    public PackedMatrix<T> Interface { get; }

    /// <summary>Interface to hidden.</summary>
    public PackedMatrix<T> InterfaceBack { get; }

    /// <summary>Hidden to logits.</summary>
    public PackedMatrix<T> Output { get; }

    /// <summary>Logits to hidden.</summary>
    public PackedMatrix<T> OutputBack { get; }

    /// <summary>Reads to logits.</summary>
    public PackedMatrix<T> ReadsOutput { get; }

    /// <summary>Logits to reads.</summary>
    public PackedMatrix<T> ReadsOutputBack { get; }

    /// <summary>Bias of the interface.</summary>
    public NativeBuffer InterfaceBias { get; }

    /// <summary>Bias of the logits.</summary>
    public NativeBuffer OutputBias { get; }

    /// <summary>With more, a run of steps no longer fits into the second-level cache.</summary>
    public override int MostSequences => MatrixProduct<T>.RowBlock;

    /// <inheritdoc/>
    public override long Bytes =>
        Layers.Sum(layer => layer.Bytes) + Interface.Bytes + InterfaceBack.Bytes + Output.Bytes + OutputBack.Bytes
        + ReadsOutput.Bytes + ReadsOutputBack.Bytes + InterfaceBias.Bytes + OutputBias.Bytes;

    /// <inheritdoc/>
    public override long BytesPerStep(int sequences)
    {
        var rows = MatrixProduct<T>.PaddedRows(sequences);
        var layers = Layers.Sum(layer => RecurrentLayer<T>.FloatsPerStep(layer.Shape));
        var perRow = Rows.Padded<T>(_shape.Inputs) + Rows.Padded<T>(_shape.Outputs) + Rows.Padded<T>(_shape.InterfaceSize)
            + Rows.Padded<T>(_shape.ReadWidth) + layers;
        return ((perRow * rows) + MemoryFloatsPerStep(rows)) * sizeof(float);
    }

    /// <inheritdoc/>
    public override void Pack(IReadOnlyList<SequenceTensor> parameters, bool backward)
    {
        var tensors = new MemoryTensors(_shape, parameters);
        for (var layer = 0; layer < Layers.Length; layer++)
        {
            Layers[layer].Pack(tensors.Layers[layer], backward);
        }

        var (units, reads, outputs, size) = (_shape.Units, _shape.ReadWidth, _shape.Outputs, _shape.InterfaceSize);
        var both = units + reads;
        Interface.PackTransposed(tensors.InterfaceWeight, units, 0, units, 0, size);
        Output.PackTransposed(tensors.OutputWeight, both, 0, units, 0, outputs);
        ReadsOutput.PackTransposed(tensors.OutputWeight + units, both, 0, reads, 0, outputs);
        Floats.Copy(tensors.InterfaceBias, InterfaceBias.Pointer, size);
        Floats.Copy(tensors.OutputBias, OutputBias.Pointer, outputs);
        if (backward)
        {
            InterfaceBack.Pack(tensors.InterfaceWeight, units, 0, size, 0, units);
            OutputBack.Pack(tensors.OutputWeight, both, 0, outputs, 0, units);
            ReadsOutputBack.Pack(tensors.OutputWeight + units, both, 0, outputs, 0, reads);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var held in new IDisposable[]
        {
            Interface, InterfaceBack, Output, OutputBack, ReadsOutput, ReadsOutputBack, InterfaceBias, OutputBias,
        }.Concat(Layers))
        {
            held.Dispose();
        }
    }

    /// <summary>Floats that the memory part of one step keeps.</summary>
    /// <param name="rows">Sequences in step.</param>
    protected abstract long MemoryFloatsPerStep(int rows);
}
