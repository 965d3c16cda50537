namespace NtmLab.Kernels;

/// <summary>Gradients of a controller with a memory, summed over one group of sequences.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class MemoryGradients<T> : NetworkGradients<T>
    where T : unmanaged, ILanes<T>
{
    private readonly MemoryShape _shape;

    public MemoryGradients(MemoryShape shape)
    {
        _shape = shape;
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(index => new LayerGradients<T>(shape.Layer(index)))];
        Interface = new GradientMatrix<T>(shape.InterfaceSize, shape.Units);
        InterfaceBias = new GradientMatrix<T>(1, shape.InterfaceSize);
        Output = new GradientMatrix<T>(shape.Outputs, shape.Units);
        ReadsOutput = new GradientMatrix<T>(shape.Outputs, shape.ReadWidth);
        OutputBias = new GradientMatrix<T>(1, shape.Outputs);
        StartReads = new GradientMatrix<T>(1, shape.ReadWidth);
    }

    /// <summary>The controller's layers.</summary>
    public LayerGradients<T>[] Layers { get; }

    /// <summary><c>[interface size, units]</c>.</summary>
    public GradientMatrix<T> Interface { get; }

    /// <summary><c>[1, interface size]</c>.</summary>
    public GradientMatrix<T> InterfaceBias { get; }

    /// <summary><c>[outputs, units]</c>.</summary>
    public GradientMatrix<T> Output { get; }

    /// <summary><c>[outputs, read width]</c>.</summary>
    public GradientMatrix<T> ReadsOutput { get; }

    /// <summary><c>[1, outputs]</c>.</summary>
    public GradientMatrix<T> OutputBias { get; }

    /// <summary>Shared first reads, <c>[1, read width]</c>.</summary>
    public GradientMatrix<T> StartReads { get; }

    /// <inheritdoc/>
    public override void CopyTo(IReadOnlyList<SequenceTensor> parameters)
    {
        var target = new MemoryTensors(_shape, parameters);
        for (var i = 0; i < Layers.Length; i++)
        {
            Layers[i].CopyTo(target.Layers[i]);
        }

        var both = _shape.Units + _shape.ReadWidth;
        Interface.CopyTo(0, _shape.InterfaceSize, target.InterfaceWeight, _shape.Units);
        InterfaceBias.CopyTo(0, 1, target.InterfaceBias, 0);
        Output.CopyTo(0, _shape.Outputs, target.OutputWeight, both);
        ReadsOutput.CopyTo(0, _shape.Outputs, target.OutputWeight + _shape.Units, both);
        OutputBias.CopyTo(0, 1, target.OutputBias, 0);
    }

    /// <inheritdoc/>
    public override void CopyStartTo(IReadOnlyList<SequenceTensor> start)
    {
        LayerStates<T>.CopyStartTo(_shape.Controller, Layers, start);
        StartReads.CopyTo(new MemoryState(start, _shape.AddressingParts).Reads);
    }

    /// <inheritdoc/>
    protected override IEnumerable<GradientMatrix<T>> Matrices() =>
        [Interface, InterfaceBias, Output, ReadsOutput, OutputBias, StartReads, .. Layers.SelectMany(layer => layer.Matrices)];
}
