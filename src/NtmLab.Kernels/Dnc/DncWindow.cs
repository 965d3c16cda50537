namespace NtmLab.Kernels;

/// <summary>The states of a group of Differentiable Neural Computers, and what addressing keeps for its backward pass.</summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
/// <param name="rows">Sequences in step.</param>
/// <param name="plan">How time is cut.</param>
internal sealed unsafe class DncWindow<T>(DncShape shape, int rows, SegmentPlan plan)
    : StateWindow(rows * StateSize(shape), rows * KeptSize(shape), plan)
    where T : unmanaged, ILanes<T>
{
    private readonly int _padded = Rows.Padded<T>(shape.Slots);

    /// <summary>Floats that one step of all rows keeps, the snapshots spread over the steps.</summary>
    public static long FloatsPerStep(DncShape shape, int rows) =>
        FloatsPerStep(rows * StateSize(shape), rows * KeptSize(shape));

    /// <summary>A row's state before a step, or after it.</summary>
    public DncState State(int t, int row, bool after) => new(shape, _padded, State(t, after) + (row * StateSize(shape)));

    /// <summary>What addressing keeps of a row in a step.</summary>
    public DncKept Kept(int t, int row) => new(_padded, Kept(t) + (row * KeptSize(shape)));

    private static long StateSize(DncShape shape) => DncState.Size(shape, Rows.Padded<T>(shape.Slots));

    private static long KeptSize(DncShape shape) => DncKept.Size(shape, Rows.Padded<T>(shape.Slots));
}
