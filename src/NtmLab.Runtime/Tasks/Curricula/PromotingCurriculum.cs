namespace NtmLab.Tasks;

/// <summary>
/// A level, at first the shortest length or a given one, rises when the mean score of the last sequences at that level is small enough. A
/// batch counts with its mean score for each of its sequences, and after a rise the scores are gathered anew.
/// </summary>
public abstract record PromotingCurriculum : Curriculum
{
    /// <summary>The level of the first batch; 0 for the shortest of the task's range.</summary>
    public int From { get; init; }

    /// <summary>The mean score, e.g. wrong bits per sequence, at or below which the level rises.</summary>
    public double Score { get; init; } = 0.1;

    /// <summary>How many sequences the mean is over.</summary>
    public int Window { get; init; } = 100;

    /// <inheritdoc/>
    public override bool NeedsOneLength => true;

    /// <inheritdoc/>
    public override CurriculumState Start(LengthRange range) => new() { Level = From == 0 ? range.Shortest : From };

    /// <inheritdoc/>
    public override CurriculumState Observe(LengthRange range, CurriculumState state, BatchOutcome outcome)
    {
        var next = state with { Batches = state.Batches + 1 };
        if (state.Level >= range.Longest || !IsAt(state.Level, outcome.Length))
        {
            return next;
        }

        double[] recent = [.. state.Recent.Concat(Enumerable.Repeat(outcome.Score, outcome.Sequences)).TakeLast(Window)];
        return recent.Length == Window && recent.Average() <= Score
            ? next with { Level = (int)Math.Min(Above(state.Level), range.Longest), Recent = [] }
            : next with { Recent = recent };
    }

    /// <inheritdoc/>
    public override void Validate(LengthRange range)
    {
        if (From != 0)
        {
            Require.Between("training.curriculum.from", From, range.Shortest, range.Longest);
        }

        Require.Finite("training.curriculum.score", Score);
        Require.AtLeast("training.curriculum.window", Window, 1);
    }

    /// <summary>Whether a batch of a length counts as one at a level.</summary>
    protected abstract bool IsAt(int level, int length);

    /// <summary>The level that follows; it may lie beyond the task's range.</summary>
    protected abstract double Above(int level);
}
