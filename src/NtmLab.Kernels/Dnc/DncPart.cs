namespace NtmLab.Kernels;

/// <summary>A row of slots among what addressing carries.</summary>
/// <param name="index">The part of the state that it belongs to, as <see cref="DncShape"/> names it.</param>
/// <param name="offset">Where it begins in that part outside, where rows are not padded.</param>
/// <param name="own">Where it lies in the group.</param>
internal readonly unsafe struct DncPart(int index, long offset, float* own)
{
    /// <summary>The part of the state that it belongs to.</summary>
    public int Index { get; } = index;

    /// <summary>Where it begins in that part outside.</summary>
    public long Offset { get; } = offset;

    /// <summary>Where it lies in the group.</summary>
    public float* Own { get; } = own;
}
