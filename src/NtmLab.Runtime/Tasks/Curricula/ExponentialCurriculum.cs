namespace NtmLab.Tasks;

/// <summary>The greatest length grows by equal factors in equal times: <c>greatest(a, b, f) = a (b / a)^f</c>.</summary>
public sealed record ExponentialCurriculum : GrowingCurriculum
{
    /// <inheritdoc/>
    protected override double Greatest(int from, int longest, double fraction) =>
        from * Math.Pow((double)longest / from, fraction);
}
