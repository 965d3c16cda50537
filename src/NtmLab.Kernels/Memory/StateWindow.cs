namespace NtmLab.Kernels;

/// <summary>
/// The states of a group's memories and all that addressing makes of them, for a run of a few steps that stays in the second-level
/// cache. From run to run only the state at its start is kept (a snapshot); the backward pass computes the memory part of a
/// run again, which costs less than bringing every memory, weighting and similarity from beyond the cache. Without a backward
/// pass there is one state, which every step changes in place. A window of its own kind says how a state is laid out.
/// </summary>
internal abstract unsafe class StateWindow : IDisposable
{
    /// <summary>Bytes that a run may take: part of a second-level cache, which the weights share.</summary>
    private const long Room = 384 << 10;

    private readonly long _stateSize;
    private readonly long _keptSize;
    private readonly bool _keep;
    private readonly NativeBuffer _states;
    private readonly NativeBuffer _kept;
    private readonly NativeBuffer _snapshots;

    /// <summary>Makes room, all of it zero.</summary>
    /// <param name="stateSize">Floats of the state of all rows.</param>
    /// <param name="keptSize">Floats that addressing keeps of one step of all rows for its backward pass.</param>
    /// <param name="plan">How time is cut.</param>
    protected StateWindow(long stateSize, long keptSize, SegmentPlan plan)
    {
        _stateSize = stateSize;
        _keptSize = keptSize;
        _keep = plan.Keep;
        Run = _keep ? RunOf(stateSize, keptSize) : 1;
        _states = new NativeBuffer(_keep ? (Run - 1) * stateSize : 0);
        _kept = new NativeBuffer(Run * keptSize);
        _snapshots = new NativeBuffer((_keep ? ((plan.Segment - 1) / Run) + 2 : 1) * stateSize);
    }

    /// <summary>Steps of a run.</summary>
    public int Run { get; }

    /// <summary>Floats of the state of all rows at a boundary; none where there is only one state.</summary>
    public long BoundarySize => _keep ? _stateSize : 0;

    /// <summary>Bytes held.</summary>
    public long Bytes => _states.Bytes + _kept.Bytes + _snapshots.Bytes;

    /// <summary>Whether a run ends with this step of the segment.</summary>
    public bool Ends(int t) => t % Run == Run - 1;

    /// <summary>Copies the state after some steps of the segment out to a boundary; the only state stays where it is.</summary>
    public void Save(int steps, float* boundary)
    {
        if (_keep)
        {
            Floats.Copy(State(steps), boundary, _stateSize);
        }
    }

    /// <summary>Puts a boundary back as the segment's start; the only state is there already.</summary>
    public void Restore(float* boundary)
    {
        if (_keep)
        {
            Floats.Copy(boundary, State(0), _stateSize);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _states.Dispose();
        _kept.Dispose();
        _snapshots.Dispose();
    }

    /// <summary>Floats that one step of all rows keeps, the snapshots spread over the steps.</summary>
    protected static long FloatsPerStep(long stateSize, long keptSize) => (stateSize / RunOf(stateSize, keptSize)) + 1;

    /// <summary>The state of all rows before a step of the segment, or after it.</summary>
    protected float* State(int t, bool after) => State(after ? t + 1 : t);

    /// <summary>What addressing keeps of a step of all rows.</summary>
    protected float* Kept(int t) => _kept.Pointer + (t % Run * _keptSize);

    private static int RunOf(long stateSize, long keptSize) =>
        (int)Math.Clamp(Room / ((stateSize + keptSize) * sizeof(float)), 1, 16);

    /// <summary>
    /// The state after some steps of the segment: where one run ends and the next begins, a snapshot; without a backward pass
    /// always the only one.
    /// </summary>
    private float* State(int steps)
    {
        if (!_keep)
        {
            return _snapshots.Pointer;
        }

        var (run, step) = Math.DivRem(steps, Run);
        return step == 0
            ? _snapshots.Pointer + (run * _stateSize)
            : _states.Pointer + ((step - 1) * _stateSize);
    }
}
