namespace NtmLab.Kernels;

/// <summary>What a head read: a few slots, and the weight of each.</summary>
/// <param name="count">How many slots.</param>
/// <param name="slots">Their numbers.</param>
/// <param name="weights">Their weights.</param>
internal readonly unsafe struct SlotWeights(int count, int* slots, float* weights)
{
    /// <summary>How many slots.</summary>
    public int Count { get; } = count;

    /// <summary>Their numbers.</summary>
    public int* Slots { get; } = slots;

    /// <summary>Their weights.</summary>
    public float* Weights { get; } = weights;
}
