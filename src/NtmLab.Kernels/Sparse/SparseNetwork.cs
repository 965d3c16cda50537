namespace NtmLab.Kernels;

/// <summary>A sparse access memory's packed parameters, and what leads sequences through it.</summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
internal sealed class SparseNetwork<T>(SparseShape shape) : MemoryNetwork<T>(shape)
    where T : unmanaged, ILanes<T>
{
    /// <inheritdoc/>
    public override SequenceGroup<T> Group(int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock) =>
        new SparseGroup<T>(shape, this, firstSequence, sequences, plan, clock);

    /// <inheritdoc/>
    protected override long MemoryFloatsPerStep(int rows) => rows * SparseJournal.FloatsPerStep(shape);
}
