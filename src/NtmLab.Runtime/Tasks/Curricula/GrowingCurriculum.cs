namespace NtmLab.Tasks;

/// <summary>
/// Lengths are uniform from the shortest to a greatest one, which grows with the sequences trained and nothing else: with a
/// fraction p of the budget used up, the task's range [s, l] and f = min(p / over, 1),
/// <code>
/// length ~ uniform(s .. round(greatest(from, l, f)))
/// </code>
/// </summary>
public abstract record GrowingCurriculum : Curriculum
{
    /// <summary>The greatest length of the first batch; 0 for the shortest of the task's range.</summary>
    public int From { get; init; }

    /// <summary>The fraction of the budget over which the greatest length grows to the longest; 0 for no growth, all lengths at once.</summary>
    public double Over { get; init; } = 0.5;

    /// <inheritdoc/>
    public override int Draw(LengthRange range, CurriculumState state, double progress, RandomStream random)
    {
        var from = From == 0 ? range.Shortest : From;
        var greatest = progress >= Over ? range.Longest : (int)Math.Round(Greatest(from, range.Longest, progress / Over));
        return (range with { Longest = greatest }).Draw(random);
    }

    /// <inheritdoc/>
    public override void Validate(LengthRange range)
    {
        if (From != 0)
        {
            Require.Between("training.curriculum.from", From, range.Shortest, range.Longest);
        }

        Require.Share("training.curriculum.over", Over);
    }

    /// <summary>The greatest length while it grows.</summary>
    /// <param name="from">At the start.</param>
    /// <param name="longest">At the end.</param>
    /// <param name="fraction">0 at the start, 1 at the end.</param>
    protected abstract double Greatest(int from, int longest, double fraction);
}
