namespace NtmLab.Kernels;

/// <summary>
/// Where lies what addressing keeps of one step of one sequence for its backward pass; slots are padded to whole rows of lanes.
/// </summary>
internal readonly unsafe struct DncKept
{
    private readonly float* _heads;
    private readonly int _padded;

    /// <summary>Finds the parts.</summary>
    /// <param name="padded">Slots, padded.</param>
    /// <param name="start">Where they begin.</param>
    public DncKept(int padded, float* start)
    {
        _padded = padded;
        Retention = start;
        Allocation = Retention + padded;
        Order = (int*)(Allocation + padded);
        WriteSimilarity = (float*)(Order + padded);
        WriteContent = WriteSimilarity + padded;
        _heads = WriteContent + padded;
    }

    /// <summary><c>[padded slots]</c>.</summary>
    public float* Retention { get; }

    /// <summary>The allocation weighting, <c>[padded slots]</c>.</summary>
    public float* Allocation { get; }

    /// <summary>The slots from the least to the most used, <c>[slots]</c>.</summary>
    public int* Order { get; }

    /// <summary>How like each slot is to the write key, <c>[padded slots]</c>.</summary>
    public float* WriteSimilarity { get; }

    /// <summary>The write head's content weighting, <c>[padded slots]</c>.</summary>
    public float* WriteContent { get; }

    /// <summary>Floats of one step.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="padded">Slots, padded.</param>
    public static long Size(DncShape shape, int padded) => (long)padded * (5 + (4 * shape.ReadHeads));

    /// <summary>How like each slot is to a read key, <c>[padded slots]</c>.</summary>
    public float* Similarity(int head) => _heads + (4L * head * _padded);

    /// <summary>A read head's content weighting, <c>[padded slots]</c>.</summary>
    public float* Content(int head) => Similarity(head) + _padded;

    /// <summary>Its backward weighting, <c>[padded slots]</c>; with links.</summary>
    public float* Backward(int head) => Content(head) + _padded;

    /// <summary>Its forward weighting, <c>[padded slots]</c>; with links.</summary>
    public float* Forward(int head) => Backward(head) + _padded;
}
