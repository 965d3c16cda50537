namespace NtmLab.Kernels;

/// <summary>
/// The memories of a group and all that addressing makes of them, for a run of a few steps that stays in the second-level
/// cache. From run to run only the state at its start is kept (a snapshot); the backward pass computes the memory part of a
/// run again, which costs less than bringing every memory, weighting and similarity from beyond the cache. Index s of a run's
/// steps; states have one more, the start:
/// <list type="bullet">
/// <item>memory <c>[width, slots]</c>, its slot norms <c>[slots]</c>, weightings <c>[heads, slots]</c>;</item>
/// <item>what addressing keeps of every head for its backward pass.</item>
/// </list>
/// Without a backward pass there is one state, which every step changes in place.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmWindow<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private const int KeptPerHead = 3;

    /// <summary>Bytes that a run may take: part of a second-level cache, which the weights share.</summary>
    private const long Room = 384 << 10;

    private readonly int _rows;
    private readonly int _heads;
    private readonly int _slots;
    private readonly int _memorySize;
    private readonly long _stateSize;
    private readonly bool _keep;
    private readonly NativeBuffer _states;
    private readonly NativeBuffer _kept;
    private readonly NativeBuffer _snapshots;

    /// <summary>Makes room.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="rows">Sequences in step.</param>
    /// <param name="plan">How time is cut.</param>
    public NtmWindow(NtmShape shape, int rows, SegmentPlan plan)
    {
        _rows = rows;
        _heads = shape.Heads;
        _slots = Rows.Padded<T>(shape.Slots);
        _memorySize = shape.Width * _slots;
        _stateSize = StateSize(shape, rows);
        _keep = plan.Keep;
        Run = _keep ? RunOf(shape, rows) : 1;
        _states = new NativeBuffer(_keep ? (Run - 1) * _stateSize : 0);
        _kept = new NativeBuffer((long)Run * rows * _heads * KeptPerHead * _slots);
        _snapshots = new NativeBuffer((_keep ? ((plan.Segment - 1) / Run) + 2 : 1) * _stateSize);
    }

    /// <summary>Steps of a run.</summary>
    public int Run { get; }

    /// <summary>Floats of the state of all rows at a boundary; none where there is only one state.</summary>
    public long BoundarySize => _keep ? _stateSize : 0;

    /// <summary>Bytes held.</summary>
    public long Bytes => _states.Bytes + _kept.Bytes + _snapshots.Bytes;

    /// <summary>Floats that one step of all rows keeps, the snapshots spread over the steps.</summary>
    public static long FloatsPerStep(NtmShape shape, int rows) => (StateSize(shape, rows) / RunOf(shape, rows)) + 1;

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

    /// <summary>A row's memory before a step, or after its write.</summary>
    public float* Memory(int t, int row, bool after) => State(t, after) + ((long)row * _memorySize);

    /// <summary>The slot norms of it.</summary>
    public float* Norms(int t, int row, bool after) =>
        State(t, after) + ((long)_rows * _memorySize) + ((long)row * _slots);

    /// <summary>A row's weighting of a head before a step, or in it.</summary>
    public float* Weighting(int t, int row, int head, bool after) =>
        State(t, after) + ((long)_rows * (_memorySize + _slots)) + ((((long)row * _heads) + head) * _slots);

    /// <summary>What addressing keeps of a head in a step.</summary>
    public float* Kept(int t, int row, int head) =>
        _kept.Pointer + ((((((long)(t % Run) * _rows) + row) * _heads) + head) * KeptPerHead * _slots);

    /// <inheritdoc/>
    public void Dispose()
    {
        _states.Dispose();
        _kept.Dispose();
        _snapshots.Dispose();
    }

    private static long StateSize(NtmShape shape, int rows) =>
        (long)rows * (shape.Width + 1 + shape.Heads) * Rows.Padded<T>(shape.Slots);

    private static int RunOf(NtmShape shape, int rows)
    {
        var kept = (long)rows * shape.Heads * KeptPerHead * Rows.Padded<T>(shape.Slots);
        return (int)Math.Clamp(Room / ((StateSize(shape, rows) + kept) * sizeof(float)), 1, 16);
    }

    private float* State(int t, bool after) => State(after ? t + 1 : t);

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
