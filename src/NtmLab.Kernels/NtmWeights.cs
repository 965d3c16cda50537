namespace NtmLab.Kernels;

/// <summary>The parameters packed for the products of both directions.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmWeights<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;

    public NtmWeights(NtmShape shape)
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

    /// <summary>Bytes held.</summary>
    public long Bytes =>
        Layers.Sum(layer => layer.Bytes) + Interface.Bytes + InterfaceBack.Bytes + Output.Bytes + OutputBack.Bytes
        + ReadsOutput.Bytes + ReadsOutputBack.Bytes + InterfaceBias.Bytes + OutputBias.Bytes;

    /// <summary>Packs parameters.</summary>
    /// <param name="tensors">The parameters.</param>
    /// <param name="backward">Whether the backward products are wanted too.</param>
    public void Pack(NtmTensors tensors, bool backward)
    {
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
    public void Dispose()
    {
        foreach (var held in new IDisposable[]
        {
            Interface, InterfaceBack, Output, OutputBack, ReadsOutput, ReadsOutputBack, InterfaceBias, OutputBias,
        }.Concat(Layers))
        {
            held.Dispose();
        }
    }
}
