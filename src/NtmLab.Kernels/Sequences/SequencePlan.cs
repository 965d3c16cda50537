namespace NtmLab.Kernels;

/// <summary>
/// The workspace of one batch: what a forward pass keeps until its backward pass. Disposing gives it back to the kernel that
/// made it.
/// </summary>
public abstract class SequencePlan : IDisposable
{
    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>Whether there is a forward pass to go backward through.</summary>
    public bool IsReady { get; private set; }

    /// <summary>What gives the plan back.</summary>
    internal Action<SequencePlan>? Return { get; set; }

    /// <summary>Goes backward through the forward pass that this plan was made for; once only.</summary>
    /// <exception cref="InvalidOperationException">It has been gone through already.</exception>
    public void Backward(SequenceBackwardCall call)
    {
        if (!IsReady)
        {
            throw new InvalidOperationException("The forward pass of this plan has been gone through already.");
        }

        IsReady = false;
        GoBackward(call);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        IsReady = false;
        var giveBack = Return;
        Return = null;
        giveBack?.Invoke(this);
        GC.SuppressFinalize(this);
    }

    internal void Forward(SequenceCall call)
    {
        GoForward(call);
        IsReady = true;
    }

    internal abstract bool Serves(int batch, int time, bool keep);

    internal abstract void Free();

    private protected abstract void GoForward(SequenceCall call);

    private protected abstract void GoBackward(SequenceBackwardCall call);
}

/// <summary>A plan for one width of lanes.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed class SequencePlan<T> : SequencePlan
    where T : unmanaged, ILanes<T>
{
    private readonly int _batch;
    private readonly SegmentPlan _plan;
    private readonly Network<T> _network;
    private readonly SequenceGroup<T>[] _groups;
    private readonly SegmentedPass<T> _pass;
    private readonly PhaseClock? _clock;
    private int _time;
    private long _version;

    public SequencePlan(NetworkShape shape, KernelOptions options, int batch, int time, bool keep)
    {
        _batch = batch;
        _clock = options.Clock;
        _network = shape.Build<T>();
        var most = _network.MostSequences;
        var count = (batch + most - 1) / most;
        _plan = SegmentPlan.For(
            time, keep, count * _network.BytesPerStep(Math.Min(batch, most)), options.MemoryBudget);
        _groups =
        [
            .. Enumerable.Range(0, count).Select(index =>
                _network.Group(index * most, Math.Min(most, batch - (index * most)), _plan, _clock)),
        ];
        _pass = new SegmentedPass<T>(_groups, _plan, options.Threads);
    }

    /// <inheritdoc/>
    public override long Bytes => _network.Bytes + _pass.Bytes;

    /// <inheritdoc/>
    private protected override void GoBackward(SequenceBackwardCall call)
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
            sum.CopyStartTo(start);
        }

        _clock?.Lap(KernelPhase.Gathering);
    }

    private protected override void GoForward(SequenceCall call)
    {
        _clock?.Start();
        if (call.ParameterVersion == 0 || call.ParameterVersion != _version)
        {
            _network.Pack(call.Parameters, _plan.Keep);
            _version = call.ParameterVersion;
        }

        _clock?.Lap(KernelPhase.Packing);
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
        _network.Dispose();
        _pass.Dispose();
    }
}
