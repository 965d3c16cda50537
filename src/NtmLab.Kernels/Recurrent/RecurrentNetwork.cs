namespace NtmLab.Kernels;

/// <summary>The packed parameters of a stack of recurrent layers.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed class RecurrentNetwork<T> : Network<T>
    where T : unmanaged, ILanes<T>
{
    private readonly RecurrentShape _shape;
    private readonly LayerWeights<T>[] _weights;

    public RecurrentNetwork(RecurrentShape shape)
    {
        _shape = shape;
        _weights = [.. Enumerable.Range(0, shape.Layers).Select(index => new LayerWeights<T>(shape.Layer(index)))];
    }

    /// <summary>Enough to use each weight well, few enough to share a batch of 16.</summary>
    public override int MostSequences => 2 * MatrixProduct<T>.RowBlock;

    /// <inheritdoc/>
    public override long Bytes => _weights.Sum(layer => layer.Bytes);

    /// <inheritdoc/>
    public override long BytesPerStep(int sequences)
    {
        var layers = _weights.Sum(layer => RecurrentLayer<T>.FloatsPerStep(layer.Shape));
        var perRow = layers + Rows.Padded<T>(_shape.Inputs) + Rows.Padded<T>(_shape.Units);
        return perRow * MatrixProduct<T>.PaddedRows(sequences) * sizeof(float);
    }

    /// <inheritdoc/>
    public override void Pack(IReadOnlyList<SequenceTensor> parameters, bool backward)
    {
        var next = 0;
        foreach (var layer in _weights)
        {
            layer.Pack(LayerTensors.Take(_shape.Kind, parameters, ref next), backward);
        }
    }

    /// <inheritdoc/>
    public override SequenceGroup<T> Group(int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock) =>
        new RecurrentGroup<T>(_shape, _weights, firstSequence, sequences, plan);

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var layer in _weights)
        {
            layer.Dispose();
        }
    }
}

/// <summary>Gradients of a stack of recurrent layers, summed over one group of sequences.</summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
internal sealed class RecurrentGradients<T>(RecurrentShape shape) : NetworkGradients<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Those of each layer.</summary>
    public LayerGradients<T>[] Layers { get; } =
        [.. Enumerable.Range(0, shape.Layers).Select(index => new LayerGradients<T>(shape.Layer(index)))];

    /// <inheritdoc/>
    public override void CopyTo(IReadOnlyList<SequenceTensor> parameters)
    {
        var next = 0;
        foreach (var layer in Layers)
        {
            layer.CopyTo(LayerTensors.Take(shape.Kind, parameters, ref next));
        }
    }

    /// <inheritdoc/>
    public override void CopyStartTo(IReadOnlyList<SequenceTensor> start) =>
        LayerStates<T>.CopyStartTo(shape.Kind, Layers, start);

    /// <inheritdoc/>
    protected override IEnumerable<GradientMatrix<T>> Matrices() => Layers.SelectMany(layer => layer.Matrices);
}
