namespace NtmLab.Kernels;

/// <summary>A Differentiable Neural Computer's packed parameters, and what leads sequences through it.</summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
internal sealed class DncNetwork<T>(DncShape shape) : MemoryNetwork<T>(shape)
    where T : unmanaged, ILanes<T>
{
    /// <inheritdoc/>
    public override SequenceGroup<T> Group(int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock) =>
        new DncGroup<T>(shape, this, firstSequence, sequences, plan, clock);

    /// <inheritdoc/>
    protected override long MemoryFloatsPerStep(int rows) => DncWindow<T>.FloatsPerStep(shape, rows);
}
