namespace NtmLab.Tasks;

/// <summary>The greatest length grows in a straight line: <c>greatest(a, b, f) = a + (b - a) f</c>.</summary>
public sealed record LinearCurriculum : GrowingCurriculum
{
    /// <inheritdoc/>
    protected override double Greatest(int from, int longest, double fraction) => from + ((longest - from) * fraction);
}
