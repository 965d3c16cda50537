namespace NtmLab.Kernels;

/// <summary>The workspace of one batch: what a forward pass keeps until its backward pass. Disposing gives it back.</summary>
public abstract class RecurrentPlan : KernelPlan
{
    /// <summary>Goes backward through the forward pass that this plan was made for; once only.</summary>
    public abstract void Backward(RecurrentBackwardCall call);

    internal abstract void Forward(RecurrentCall call);
}

/// <summary>A plan for one width of lanes.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed class RecurrentPlan<T> : RecurrentPlan
    where T : unmanaged, ILanes<T>
{
    private readonly int _batch;
    private readonly SegmentPlan _plan;
    private readonly LayerWeights<T>[] _weights;
    private readonly RecurrentGroup<T>[] _groups;
    private readonly SegmentedPass _pass;
    private int _time;
    private long _version;

    public RecurrentPlan(RecurrentShape shape, KernelOptions options, int batch, int time, bool keep)
    {
        _batch = batch;
        var most = RecurrentGroup<T>.Most;
        var count = (batch + most - 1) / most;
        var bytesPerStep = count * RecurrentGroup<T>.BytesPerStep(shape, Math.Min(batch, most));
        _plan = SegmentPlan.For(time, keep, bytesPerStep, options.MemoryBudget);
        _weights = [.. Enumerable.Range(0, shape.Layers).Select(index => new LayerWeights<T>(shape.Layer(index)))];
        _groups =
        [
            .. Enumerable.Range(0, count).Select(index => new RecurrentGroup<T>(
                shape, _weights, index * most, Math.Min(most, batch - (index * most)), _plan)),
        ];
        _pass = new SegmentedPass(_groups, _plan, options.Threads);
    }

    /// <inheritdoc/>
    public override long Bytes => _weights.Sum(layer => layer.Bytes) + _pass.Bytes;

    /// <inheritdoc/>
    public override void Backward(RecurrentBackwardCall call)
    {
        foreach (var group in _groups)
        {
            group.Take(call);
        }

        _pass.Backward(_time);
        for (var layer = 0; layer < _weights.Length; layer++)
        {
            var sum = _groups[0].Gradients[layer];
            foreach (var group in _groups.AsSpan(1))
            {
                sum.Add(group.Gradients[layer]);
            }

            sum.CopyTo(call.Gradients[layer]);
            if (call.StartGradients is { } start)
            {
                sum.CopyStartTo(start.Hidden.ElementAtOrDefault(layer), start.Cells.ElementAtOrDefault(layer));
            }
        }
    }

    internal override void Forward(RecurrentCall call)
    {
        if (call.ParameterVersion == 0 || call.ParameterVersion != _version)
        {
            for (var layer = 0; layer < _weights.Length; layer++)
            {
                _weights[layer].Pack(call.Parameters[layer], _plan.Keep);
            }

            _version = call.ParameterVersion;
        }

        foreach (var group in _groups)
        {
            group.Take(call);
        }

        _time = call.Time;
        _pass.Forward(call.Time);
    }

    internal override bool Serves(int batch, int time, bool keep) => batch == _batch && _plan.Serves(time, keep);

    internal override void Free()
    {
        _pass.Dispose();
        foreach (var layer in _weights)
        {
            layer.Dispose();
        }
    }
}
