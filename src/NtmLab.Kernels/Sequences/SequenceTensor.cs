namespace NtmLab.Kernels;

/// <summary>
/// Where a tensor lies that sequences are computed with, or where its gradient goes: one for all sequences, as parameters and
/// trained first states are, or one for each.
/// </summary>
public readonly unsafe struct SequenceTensor
{
    private SequenceTensor(float* values, long stride)
    {
        Values = values;
        Stride = stride;
    }

    /// <summary>The first sequence's; null where there is none, or none is wanted.</summary>
    public float* Values { get; }

    /// <summary>Floats from one sequence to the next; 0 where all share one.</summary>
    public long Stride { get; }

    /// <summary>Whether all sequences share one: its gradient is then the sum over all of them.</summary>
    public bool IsShared => Stride == 0;

    /// <summary>One for all sequences.</summary>
    public static SequenceTensor Shared(float* values) => new(values, 0);

    /// <summary>One for each sequence, <c>[batch, size]</c>.</summary>
    public static SequenceTensor Each(float* values, long size) => new(values, size);

    /// <summary>That of one sequence.</summary>
    internal float* Of(int sequence) => Values + (sequence * Stride);
}
