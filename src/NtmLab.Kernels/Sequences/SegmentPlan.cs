namespace NtmLab.Kernels;

/// <summary>How time is cut into segments.</summary>
/// <param name="Segment">Steps of a segment.</param>
/// <param name="Capacity">The longest sequences that fit.</param>
/// <param name="Keep">Whether a backward pass follows.</param>
internal readonly record struct SegmentPlan(int Segment, int Capacity, bool Keep)
{
    /// <summary>How many boundaries are kept of a group; without a backward pass one is enough, to go on from.</summary>
    public int Boundaries => !Keep ? 1 : Segment < Capacity ? (Capacity + Segment - 1) / Segment : 0;

    /// <summary>
    /// Without a backward pass short segments, which stay in the cache. With one, whole sequences where they fit into the
    /// budget; else the segment for which the steps kept and the boundaries together need least, about the square root of
    /// the length.
    /// </summary>
    /// <param name="time">Steps of the sequences.</param>
    /// <param name="keep">Whether a backward pass follows.</param>
    /// <param name="bytesPerStep">What all groups keep of one step.</param>
    /// <param name="budget">Bytes that may be kept.</param>
    public static SegmentPlan For(int time, bool keep, long bytesPerStep, long budget)
    {
        const int evaluationSegment = 8;
        if (!keep)
        {
            return new SegmentPlan(Math.Min(time, evaluationSegment), int.MaxValue - evaluationSegment, Keep: false);
        }

        // Some room to grow, so that batches of different lengths share one plan.
        var capacity = Math.Max(time, Math.Min(2 * time, 64));
        var segment = bytesPerStep * (capacity + 1L) <= budget ? capacity : Math.Max(16, (int)Math.Sqrt(capacity));
        return new SegmentPlan(segment, capacity, Keep: true);
    }

    /// <summary>Whether sequences of another length fit, without wasting much.</summary>
    public bool Serves(int time, bool keep) =>
        keep == Keep && time <= Capacity && (keep ? 4L * time >= Capacity : true);
}
