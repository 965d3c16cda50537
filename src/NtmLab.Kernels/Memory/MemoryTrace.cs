namespace NtmLab.Kernels;

/// <summary>Where a trace of the first sequence's heads goes.</summary>
public sealed unsafe class MemoryTrace
{
    /// <summary>Weightings, read heads first, <c>[time, heads, slots]</c>.</summary>
    public required float* Weightings { get; init; }

    /// <summary>Read vectors, <c>[time, read heads, width]</c>.</summary>
    public required float* Reads { get; init; }

    /// <summary>Erase vectors, <c>[time, writes, width]</c>.</summary>
    public required float* Erase { get; init; }

    /// <summary>Add vectors, <c>[time, writes, width]</c>.</summary>
    public required float* Add { get; init; }
}
