using System.Text.Json.Serialization;

namespace NtmLab.Tasks;

/// <summary>
/// Chooses the length of every training batch (or sequence) from the task's training range. A curriculum is its own
/// configuration and holds nothing else: what it learns from the training is a <see cref="CurriculumState"/>, which checkpoints
/// keep, so that a resumed training goes on exactly.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(UniformCurriculum), "uniform")]
[JsonDerivedType(typeof(FixedCurriculum), "fixed")]
[JsonDerivedType(typeof(LinearCurriculum), "linear")]
[JsonDerivedType(typeof(ExponentialCurriculum), "exponential")]
[JsonDerivedType(typeof(PromoteCurriculum), "promote")]
[JsonDerivedType(typeof(LookAndSayCurriculum), "look-and-say")]
[JsonDerivedType(typeof(PredictionGainCurriculum), "prediction-gain")]
public abstract record Curriculum
{
    /// <summary>Whether <see cref="Observe"/> learns from the length of a batch, so that all its sequences must have the same.</summary>
    [JsonIgnore]
    public virtual bool NeedsOneLength => false;

    /// <summary>Whether <see cref="Observe"/> wants the loss of a batch again, after the step that was trained on it.</summary>
    [JsonIgnore]
    public virtual bool WantsGain => false;

    /// <summary>The state before the first batch.</summary>
    /// <param name="range">The task's training lengths.</param>
    public virtual CurriculumState Start(LengthRange range) => new();

    /// <summary>The next length.</summary>
    /// <param name="range">The task's training lengths.</param>
    /// <param name="state">What was learned from the batches before.</param>
    /// <param name="progress">Sequences trained so far as a fraction of the budget, from 0 to 1.</param>
    /// <param name="random">The batch's stream.</param>
    public abstract int Draw(LengthRange range, CurriculumState state, double progress, RandomStream random);

    /// <summary>The state after a batch.</summary>
    /// <param name="range">The task's training lengths.</param>
    /// <param name="state">The state that the batch was drawn with.</param>
    /// <param name="outcome">What became of the batch.</param>
    public virtual CurriculumState Observe(LengthRange range, CurriculumState state, BatchOutcome outcome) => state;

    /// <summary>Checks every option.</summary>
    /// <param name="range">The task's training lengths.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public virtual void Validate(LengthRange range)
    {
    }
}

/// <summary>What a curriculum learns from.</summary>
/// <param name="Length">The batch's length.</param>
/// <param name="Loss">Its loss per sequence.</param>
/// <param name="LossAfter">Its loss again, after the step; not a number unless wanted.</param>
/// <param name="Score">The task's score, averaged over the batch.</param>
/// <param name="Sequences">Sequences in the batch.</param>
public readonly record struct BatchOutcome(int Length, double Loss, double LossAfter, double Score, int Sequences);

/// <summary>What a curriculum has learned from the training so far; each kind uses what it needs.</summary>
public sealed record CurriculumState
{
    /// <summary>The greatest length, or the stage, reached.</summary>
    public int Level { get; init; }

    /// <summary>Recent values that the next decision rests on, oldest first.</summary>
    public IReadOnlyList<double> Recent { get; init; } = [];

    /// <summary>One weight per choice.</summary>
    public IReadOnlyList<double> Weights { get; init; } = [];

    /// <summary>A sample of all past gains, each equally likely to be in it, in ascending order.</summary>
    public IReadOnlyList<double> Gains { get; init; } = [];

    /// <summary>Batches observed.</summary>
    public long Batches { get; init; }

    /// <summary>Whether both hold the same values.</summary>
    public bool Equals(CurriculumState? other) =>
        other is not null
        && Level == other.Level
        && Batches == other.Batches
        && Recent.SequenceEqual(other.Recent)
        && Weights.SequenceEqual(other.Weights)
        && Gains.SequenceEqual(other.Gains);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Level, Batches, Recent.Count, Weights.Count, Gains.Count);
}
