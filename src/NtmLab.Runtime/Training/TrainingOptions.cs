using NtmLab.Tasks;

namespace NtmLab.Training;

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>The budget: training stops after this many sequences at the latest.</summary>
    public long Sequences { get; init; } = 100_000;

    /// <summary>Sequences in each batch.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>How the lengths of training sequences are chosen from the task's range.</summary>
    public Curriculum Curriculum { get; init; } = new UniformCurriculum();

    /// <summary>Whether the sequences of a batch have one length or each their own.</summary>
    public LengthsOfBatch Lengths { get; init; }

    /// <summary>The optimiser.</summary>
    public OptimiserOptions Optimiser { get; init; } = new RmsPropOptions();

    /// <summary>How the learning rate changes over the budget.</summary>
    public LearningRateSchedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>Every gradient value is clipped to [-clip, clip] (Graves et al. 2014, section 4.6).</summary>
    public double Clip { get; init; } = 10;

    /// <summary>
    /// The gradients of all parameters together are scaled down to this norm where theirs is greater, after each value was
    /// clipped; 0 for no limit.
    /// </summary>
    public double ClipNorm { get; init; }

    /// <summary>
    /// How many batches in a row may move no parameter because their gradient is not finite, as that of a recurrent network now and
    /// then is, before the training counts as diverged.
    /// </summary>
    public int Skips { get; init; } = 5;

    /// <summary>
    /// Sequences over which the price of a model's own decisions, such as saves to a memory, rises to its full weight in the loss, so
    /// that the model first learns what they are good for.
    /// </summary>
    public long PriceWarmUp { get; init; }

    /// <summary>When the task counts as solved.</summary>
    public SolvedOptions Solved { get; init; } = new();

    /// <summary>Scores by length are taken, and the best checkpoint is chosen, after every so many sequences.</summary>
    public long EvaluateEvery { get; init; } = 10_000;

    /// <summary>The last checkpoint is written after every so many sequences.</summary>
    public long CheckpointEvery { get; init; } = 2_000;

    /// <summary>Checks every option.</summary>
    /// <param name="lengths">The task's training lengths.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public void Validate(LengthRange lengths)
    {
        Require.AtLeast("training.sequences", Sequences, 1);
        Require.AtLeast("training.batch", Batch, 1);
        Require.Positive("training.clip", Clip);
        Require.NotNegative("training.clipNorm", ClipNorm);
        Require.AtLeast("training.skips", Skips, 0);
        Require.AtLeast("training.priceWarmUp", PriceWarmUp, 0);
        Require.AtLeast("training.evaluateEvery", EvaluateEvery, 1);
        Require.AtLeast("training.checkpointEvery", CheckpointEvery, 1);
        Curriculum.Validate(lengths);
        if (Curriculum.NeedsOneLength && Lengths == LengthsOfBatch.Each)
        {
            throw new ConfigurationException(
                "training.lengths: 'each' is not allowed with this curriculum, which learns from batches of one length; 'one' is.");
        }

        Optimiser.Validate();
        Schedule.Validate();
        Solved.Validate();
    }
}

/// <summary>How lengths vary within a batch.</summary>
public enum LengthsOfBatch
{
    /// <summary>All sequences of a batch have the same length.</summary>
    One,

    /// <summary>Each sequence has its own; shorter ones are followed by blank steps that do not count.</summary>
    Each,
}

/// <summary>When a task counts as solved: the mean score of the last training sequences is small enough.</summary>
public sealed record SolvedOptions
{
    /// <summary>The mean score, e.g. wrong bits per sequence, at or below which the task counts as solved.</summary>
    public double Score { get; init; } = 0.1;

    /// <summary>How many of the last training sequences the mean is over.</summary>
    public int Window { get; init; } = 500;

    /// <summary>
    /// Sequences trained after the task first counted as solved, so that the model settles; training then stops before its
    /// budget is used up.
    /// </summary>
    public long Continue { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public void Validate()
    {
        Require.AtLeast("training.solved.window", Window, 1);
        Require.AtLeast("training.solved.continue", Continue, 0);
        Require.Finite("training.solved.score", Score);
    }
}

/// <summary>Scores by length.</summary>
public sealed record EvaluationOptions
{
    /// <summary>The lengths to score, each 1 or more.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [10, 20, 30, 50, 80, 120];

    /// <summary>Fresh sequences of each length, the same in every evaluation of a run.</summary>
    public int Sequences { get; init; } = 100;

    /// <summary>Fresh sequences of each length in the evaluations during training.</summary>
    public int SequencesWhileTraining { get; init; } = 20;

    /// <summary>
    /// Slots that a memory is given for each step of a sequence, where that is more than it has in training; 0 for as many as in
    /// training. With 1 no sequence has more to write than there is room for.
    /// </summary>
    public double SlotsPerStep { get; init; }

    /// <summary>Whether both score the same lengths, in the same order, on as many sequences.</summary>
    public bool Equals(EvaluationOptions? other) =>
        other is not null
        && Lengths.SequenceEqual(other.Lengths)
        && Sequences == other.Sequences
        && SequencesWhileTraining == other.SequencesWhileTraining
        && SlotsPerStep.Equals(other.SlotsPerStep);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Lengths.Count, Sequences, SequencesWhileTraining, SlotsPerStep);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public void Validate()
    {
        if (Lengths.Count == 0)
        {
            throw new ConfigurationException("evaluation.lengths: no lengths are given; one or more are needed.");
        }

        foreach (var length in Lengths)
        {
            Require.Between("evaluation.lengths", length, 1, SequenceTask.LengthLimit);
        }

        Require.AtLeast("evaluation.sequences", Sequences, 1);
        Require.AtLeast("evaluation.sequencesWhileTraining", SequencesWhileTraining, 1);
        Require.NotNegative("evaluation.slotsPerStep", SlotsPerStep);
    }
}
