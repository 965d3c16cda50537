namespace NtmLab.Tasks;

/// <summary>
/// Promotes on success: lengths are uniform from the shortest to the level, and the level grows when batches of the greatest
/// length are solved.
/// <code>
/// length ~ uniform(shortest .. level)
/// level  = max(level + step, ceil(level factor))      when the mean score at the level is at most the score wanted
/// </code>
/// </summary>
public sealed record PromoteCurriculum : PromotingCurriculum
{
    /// <summary>By how much the level grows at least.</summary>
    public int Step { get; init; } = 1;

    /// <summary>By which factor the level grows, where that is more than the step; 1 for steps alone.</summary>
    public double Factor { get; init; } = 1;

    /// <inheritdoc/>
    public override int Draw(LengthRange range, CurriculumState state, double progress, RandomStream random) =>
        (range with { Longest = state.Level }).Draw(random);

    /// <inheritdoc/>
    public override void Validate(LengthRange range)
    {
        base.Validate(range);
        Require.AtLeast("training.curriculum.step", Step, 1);
        Require.Within("training.curriculum.factor", Factor, 1, double.PositiveInfinity);
    }

    /// <inheritdoc/>
    protected override bool IsAt(int level, int length) => length == level;

    /// <inheritdoc/>
    protected override double Above(int level) => Math.Max((double)level + Step, Math.Ceiling(level * Factor));
}
