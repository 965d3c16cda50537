namespace NtmLab.Kernels;

/// <summary>
/// A <see cref="MemoryGroup{T}"/> whose memories are dense: a <see cref="StateWindow"/> keeps them every few steps, and the backward
/// pass computes the memory part in between again.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
/// <param name="weights">The packed parameters, shared by all groups.</param>
/// <param name="firstSequence">The group's first sequence in the batch.</param>
/// <param name="sequences">How many sequences.</param>
/// <param name="plan">How time is cut.</param>
/// <param name="clock">Measures the phases, if given.</param>
internal abstract unsafe class WindowedGroup<T>(
    MemoryShape shape, MemoryNetwork<T> weights, int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock)
    : MemoryGroup<T>(shape, weights, firstSequence, sequences, plan, clock)
    where T : unmanaged, ILanes<T>
{
    /// <inheritdoc/>
    protected override long MemoryBoundarySize => Window.BoundarySize;

    /// <summary>The states of memory and addressing.</summary>
    protected abstract StateWindow Window { get; }

    /// <inheritdoc/>
    protected override void SaveMemory(int step, float* boundary) => Window.Save(step, boundary);

    /// <inheritdoc/>
    protected override void RestoreMemory(float* boundary) => Window.Restore(boundary);

    /// <summary>The window stands at the segment's start already.</summary>
    protected override void BeginMemory(int first)
    {
    }

    /// <summary>Computes the memory part of the run that ends with step t again; the last run of the segment is still there.</summary>
    protected override void BeginMemoryBackward(int t, int steps)
    {
        if (!Window.Ends(t) || t == steps - 1)
        {
            return;
        }

        for (var step = t - Window.Run + 1; step <= t; step++)
        {
            for (var row = 0; row < Sequences; row++)
            {
                AddressAndWrite(step, row, KernelPhase.Again, KernelPhase.Again);
            }
        }

        Clock?.Lap(KernelPhase.Again);
    }

    /// <summary>Addresses with the write heads, writes, and addresses with the read heads.</summary>
    /// <param name="t">The step in the segment.</param>
    /// <param name="row">The row.</param>
    /// <param name="addressing">The phase that addressing counts as.</param>
    /// <param name="writing">The phase that writing counts as.</param>
    protected abstract void AddressAndWrite(int t, int row, KernelPhase addressing, KernelPhase writing);
}
