namespace NtmLab.Kernels;

/// <summary>Where one part of the state of every sequence lies, or where its gradient goes.</summary>
public readonly unsafe struct StateTensor
{
    private StateTensor(float* values, long stride)
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
    public static StateTensor Shared(float* values) => new(values, 0);

    /// <summary>One for each sequence, <c>[batch, size]</c>.</summary>
    public static StateTensor Each(float* values, long size) => new(values, size);

    /// <summary>That of one sequence.</summary>
    internal float* Of(int sequence) => Values + (sequence * Stride);
}
