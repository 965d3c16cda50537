namespace NtmLab.Kernels;

/// <summary>
/// The states of a group of Neural Turing Machines: memory <c>[width, slots]</c>, its slot norms <c>[slots]</c>, weightings
/// <c>[heads, slots]</c>; and what addressing keeps of every head for its backward pass.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmWindow<T> : StateWindow
    where T : unmanaged, ILanes<T>
{
    private const int KeptPerHead = 3;

    private readonly int _rows;
    private readonly int _heads;
    private readonly int _slots;
    private readonly int _memorySize;

    /// <summary>Makes room.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="rows">Sequences in step.</param>
    /// <param name="plan">How time is cut.</param>
    public NtmWindow(NtmShape shape, int rows, SegmentPlan plan)
        : base(StateSize(shape, rows), KeptSize(shape, rows), plan)
    {
        _rows = rows;
        _heads = shape.Heads;
        _slots = Rows.Padded<T>(shape.Slots);
        _memorySize = shape.Width * _slots;
    }

    /// <summary>Floats that one step of all rows keeps, the snapshots spread over the steps.</summary>
    public static long FloatsPerStep(NtmShape shape, int rows) => FloatsPerStep(StateSize(shape, rows), KeptSize(shape, rows));

    /// <summary>A row's memory before a step, or after its write.</summary>
    public float* Memory(int t, int row, bool after) => State(t, after) + ((long)row * _memorySize);

    /// <summary>The slot norms of it.</summary>
    public float* Norms(int t, int row, bool after) =>
        State(t, after) + ((long)_rows * _memorySize) + ((long)row * _slots);

    /// <summary>A row's weighting of a head before a step, or in it.</summary>
    public float* Weighting(int t, int row, int head, bool after) =>
        State(t, after) + ((long)_rows * (_memorySize + _slots)) + ((((long)row * _heads) + head) * _slots);

    /// <summary>What addressing keeps of a head in a step.</summary>
    public float* Kept(int t, int row, int head) => Kept(t) + ((((long)row * _heads) + head) * KeptPerHead * _slots);

    private static long StateSize(NtmShape shape, int rows) =>
        (long)rows * (shape.Width + 1 + shape.Heads) * Rows.Padded<T>(shape.Slots);

    private static long KeptSize(NtmShape shape, int rows) =>
        (long)rows * shape.Heads * KeptPerHead * Rows.Padded<T>(shape.Slots);
}
