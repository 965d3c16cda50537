namespace NtmLab.Kernels;

/// <summary>How a kernel computes.</summary>
public sealed record KernelOptions
{
    /// <summary>How many floats at once.</summary>
    public VectorPath Path { get; init; } = VectorPath.Auto;

    /// <summary>Threads that groups of sequences are shared among; 1 or more.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// Bytes that a forward pass may keep for its backward pass. Where whole sequences need more, they are cut into segments
    /// of about the square root of their length, and computed twice.
    /// </summary>
    public long MemoryBudget { get; init; } = 64L << 20;

    /// <summary>Measures where the time goes, if given; with one thread only.</summary>
    public PhaseClock? Clock { get; init; }

    /// <summary>The path, never <see cref="VectorPath.Auto"/>.</summary>
    internal VectorPath ChosenPath => Path == VectorPath.Auto ? VectorPaths.Best : Path;

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">Fewer than one thread, or a clock with several.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Threads, 1);
        if (Clock is not null && Threads > 1)
        {
            throw new ArgumentException($"{nameof(Clock)}: {Threads} threads cannot be told apart; 1 can.");
        }
    }
}
