namespace NtmLab.Training;

/// <summary>Follows a training: writes metrics and checkpoints, draws progress. Called on the trainer's thread.</summary>
public interface ITrainingObserver
{
    /// <summary>A batch was trained.</summary>
    void Trained(BatchReport report);

    /// <summary>Scores by length were taken.</summary>
    /// <param name="state">The trainer at that moment.</param>
    /// <param name="scores">One entry per length.</param>
    /// <param name="best">Whether the mean score is the best so far.</param>
    void Evaluated(TrainerState state, IReadOnlyList<LengthScore> scores, bool best);

    /// <summary>A checkpoint is due: whoever keeps the trainer should save it now.</summary>
    void CheckpointDue(TrainerState state);
}

/// <summary>One trained batch.</summary>
/// <param name="Batch">Index of the batch, from 1.</param>
/// <param name="Sequences">Sequences trained so far.</param>
/// <param name="Length">The batch's length; of sequences of different lengths the mean.</param>
/// <param name="Loss">Loss per sequence as the task reports it, e.g. in bits, averaged over the batch.</param>
/// <param name="Score">The task's score, averaged over the batch.</param>
/// <param name="WindowScore">The task's score, averaged over the last sequences (at most the solved window).</param>
/// <param name="Seconds">Seconds spent in training so far.</param>
public readonly record struct BatchReport(
    long Batch,
    long Sequences,
    int Length,
    double Loss,
    double Score,
    double WindowScore,
    double Seconds);
