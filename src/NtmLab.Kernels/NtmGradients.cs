namespace NtmLab.Kernels;

/// <summary>
/// Gradients of one group of sequences. Groups are added in their own order, so that the sum does not depend on which thread
/// had which group.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmGradients<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;
    private readonly GradientMatrix<T>[] _matrices;

    public NtmGradients(NtmShape shape)
    {
        _shape = shape;
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(index => new LayerGradients<T>(shape.Layer(index)))];
        Interface = new GradientMatrix<T>(shape.InterfaceSize, shape.Units);
        InterfaceBias = new GradientMatrix<T>(1, shape.InterfaceSize);
        Output = new GradientMatrix<T>(shape.Outputs, shape.Units);
        ReadsOutput = new GradientMatrix<T>(shape.Outputs, shape.ReadWidth);
        OutputBias = new GradientMatrix<T>(1, shape.Outputs);
        StartReads = new GradientMatrix<T>(1, shape.ReadWidth);
        _matrices = [Interface, InterfaceBias, Output, ReadsOutput, OutputBias, StartReads];
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

    /// <summary>Bytes held.</summary>
    public long Bytes => _matrices.Sum(matrix => matrix.Bytes) + Layers.Sum(layer => layer.Bytes);

    /// <summary>Sets all to 0.</summary>
    public void Clear()
    {
        foreach (var matrix in _matrices)
        {
            matrix.Clear();
        }

        foreach (var layer in Layers)
        {
            layer.Clear();
        }
    }

    /// <summary>Adds the gradients of another group.</summary>
    public void Add(NtmGradients<T> other)
    {
        for (var i = 0; i < _matrices.Length; i++)
        {
            _matrices[i].Add(other._matrices[i]);
        }

        for (var i = 0; i < Layers.Length; i++)
        {
            Layers[i].Add(other.Layers[i]);
        }
    }

    /// <summary>Copies the gradients of the parameters out in their layout.</summary>
    public void CopyTo(NtmTensors target)
    {
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

    /// <summary>Copies the gradients of a shared start out.</summary>
    public void CopyTo(NtmState target)
    {
        StartReads.CopyTo(target.Reads);
        for (var i = 0; i < Layers.Length; i++)
        {
            Layers[i].CopyStartTo(target.Hidden.ElementAtOrDefault(i), target.Cells.ElementAtOrDefault(i));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in _matrices.Concat<IDisposable>(Layers))
        {
            held.Dispose();
        }
    }
}
