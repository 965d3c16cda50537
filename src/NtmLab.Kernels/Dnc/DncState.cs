namespace NtmLab.Kernels;

/// <summary>Where the state of one Differentiable Neural Computer lies, or its gradients; slots are padded to whole rows of lanes.</summary>
internal readonly unsafe struct DncState
{
    /// <summary>Finds the parts.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="padded">Slots, padded.</param>
    /// <param name="start">Where the state begins.</param>
    public DncState(DncShape shape, int padded, float* start)
    {
        Memory = start;
        Norms = Memory + ((long)shape.Width * padded);
        Usage = Norms + padded;
        Write = Usage + padded;
        Reads = Write + padded;
        Precedence = Reads + ((long)shape.ReadHeads * padded);
        Links = Precedence + padded;
    }

    /// <summary><c>[width, padded slots]</c>.</summary>
    public float* Memory { get; }

    /// <summary>The norm of each slot, <c>[padded slots]</c>.</summary>
    public float* Norms { get; }

    /// <summary><c>[padded slots]</c>.</summary>
    public float* Usage { get; }

    /// <summary>The write weighting, <c>[padded slots]</c>.</summary>
    public float* Write { get; }

    /// <summary>The read weightings, <c>[read heads, padded slots]</c>.</summary>
    public float* Reads { get; }

    /// <summary><c>[padded slots]</c>; only of a shape that has links.</summary>
    public float* Precedence { get; }

    /// <summary><c>[slots, padded slots]</c>; only of a shape that has them.</summary>
    public float* Links { get; }

    /// <summary>Floats of one state.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="padded">Slots, padded.</param>
    public static long Size(DncShape shape, int padded) =>
        (long)padded * (shape.Width + 3 + shape.ReadHeads + (shape.Links ? shape.Slots + 1 : 0));
}
