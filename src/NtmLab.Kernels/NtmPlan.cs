namespace NtmLab.Kernels;

/// <summary>The workspace of one batch: what a forward pass keeps until its backward pass. Disposing gives it back.</summary>
public abstract class NtmPlan : KernelPlan
{
    /// <summary>Goes backward through the forward pass that this plan was made for; once only.</summary>
    public abstract void Backward(NtmBackwardCall call);

    internal abstract void Forward(NtmCall call);
}

/// <summary>A plan for one width of lanes.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed class NtmPlan<T> : NtmPlan
    where T : unmanaged, ILanes<T>
{
    private readonly int _batch;
    private readonly SegmentPlan _plan;
    private readonly NtmWeights<T> _weights;
    private readonly NtmGroup<T>[] _groups;
    private readonly SegmentedPass _pass;
    private readonly PhaseClock? _clock;
    private int _time;
    private long _version;

    public NtmPlan(NtmShape shape, KernelOptions options, int batch, int time, bool keep)
    {
        _batch = batch;
        var most = NtmGroup<T>.Most;
        var count = (batch + most - 1) / most;
        var bytesPerStep = count * NtmGroup<T>.BytesPerStep(shape, Math.Min(batch, most));
        _plan = SegmentPlan.For(time, keep, bytesPerStep, options.MemoryBudget);
        _weights = new NtmWeights<T>(shape);
        _groups =
        [
            .. Enumerable.Range(0, count).Select(index => new NtmGroup<T>(
                shape, _weights, index * most, Math.Min(most, batch - (index * most)), _plan, options.Clock)),
        ];
        _clock = options.Clock;
        _pass = new SegmentedPass(_groups, _plan, options.Threads);
    }

    /// <inheritdoc/>
    public override long Bytes => _weights.Bytes + _pass.Bytes;

    /// <inheritdoc/>
    public override void Backward(NtmBackwardCall call)
    {
        foreach (var group in _groups)
        {
            group.Take(call);
        }

        _clock?.Start();
        _pass.Backward(_time);
        var sum = _groups[0].Gradients;
        foreach (var group in _groups.AsSpan(1))
        {
            sum.Add(group.Gradients);
        }

        sum.CopyTo(call.Gradients);
        if (call.StartGradients is { } start)
        {
            sum.CopyTo(start);
        }

        _clock?.Lap(NtmPhase.Gathering);
    }

    internal override void Forward(NtmCall call)
    {
        _clock?.Start();
        if (call.ParameterVersion == 0 || call.ParameterVersion != _version)
        {
            _weights.Pack(call.Parameters, _plan.Keep);
            _version = call.ParameterVersion;
        }

        _clock?.Lap(NtmPhase.Packing);
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
        _weights.Dispose();
        _pass.Dispose();
    }
}
