using NtmLab.Tasks;

namespace NtmLab.Training;

/// <summary>All that a trainer holds beside tensors; with them it continues bit for bit.</summary>
public sealed record TrainerState
{
    /// <summary>Batches trained; also the index of the next batch's stream.</summary>
    public long Batches { get; init; }

    /// <summary>Sequences trained.</summary>
    public long Sequences { get; init; }

    /// <summary>Seconds spent in training, over all sittings.</summary>
    public double Seconds { get; init; }

    /// <summary>Scores of the last training sequences, oldest first; at most the solved window.</summary>
    public IReadOnlyList<float> Window { get; init; } = [];

    /// <summary>Sequences trained when the task first counted as solved; null before.</summary>
    public long? SolvedAtSequences { get; init; }

    /// <summary>Seconds spent in training when the task first counted as solved; null before.</summary>
    public double? SolvedAtSeconds { get; init; }

    /// <summary>Batches that moved no parameter, since their gradient was not finite.</summary>
    public long Skipped { get; init; }

    /// <summary>How many of them came last, one after the other.</summary>
    public int SkippedInARow { get; init; }

    /// <summary>The best mean score of an evaluation during training; null before the first.</summary>
    public double? BestScore { get; init; }

    /// <summary>What the curriculum has learned; null before the first batch.</summary>
    public CurriculumState? Curriculum { get; init; }
}
