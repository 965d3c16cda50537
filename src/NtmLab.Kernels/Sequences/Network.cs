namespace NtmLab.Kernels;

/// <summary>A network's packed parameters, and what leads sequences through it.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal abstract class Network<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    /// <summary>The most sequences of a group.</summary>
    public abstract int MostSequences { get; }

    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>Bytes that one step of a group of this many sequences keeps.</summary>
    public abstract long BytesPerStep(int sequences);

    /// <summary>Packs parameters for the products of both directions.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="backward">Whether the backward products are wanted too.</param>
    public abstract void Pack(IReadOnlyList<SequenceTensor> parameters, bool backward);

    /// <summary>Makes room for a group of sequences.</summary>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many; at most <see cref="MostSequences"/>.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="clock">Measures the phases, if given.</param>
    public abstract SequenceGroup<T> Group(int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock);

    /// <inheritdoc/>
    public abstract void Dispose();
}
