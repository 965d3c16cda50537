using System.Text.Json.Serialization;

namespace NtmLab.Training;

/// <summary>
/// The learning rate over a training as a fraction of the optimiser's own: a function of the sequences trained and nothing
/// else, so that a resumed training goes on exactly. With s sequences of a budget of S, the batch under way included, it
/// rises from 0 to 1 over the first w = warmUp (Goyal et al. 2017, arXiv 1706.02677, section 2.2), then follows the kind:
/// <code>
/// fraction = s / w                              s &lt; w
///          = decay((s - w) / (S - w))           else
/// </code>
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(ConstantSchedule), "constant")]
[JsonDerivedType(typeof(LinearSchedule), "linear")]
[JsonDerivedType(typeof(CosineSchedule), "cosine")]
public abstract record LearningRateSchedule
{
    /// <summary>Sequences over which the learning rate rises from 0; 0 for none.</summary>
    public long WarmUp { get; init; }

    /// <summary>The learning rate as a fraction of the optimiser's own.</summary>
    /// <param name="sequences">Sequences trained, the batch under way included; 1 or more.</param>
    /// <param name="budget">Sequences that are trained at most.</param>
    public double Fraction(long sequences, long budget) =>
        sequences < WarmUp ? (double)sequences / WarmUp
        : sequences >= budget ? Decay(1)
        : Decay((double)(sequences - WarmUp) / (budget - WarmUp));

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public virtual void Validate() => Require.AtLeast("training.schedule.warmUp", WarmUp, 0);

    /// <summary>The fraction after the warm-up.</summary>
    /// <param name="progress">0 at its end, 1 at the end of the budget.</param>
    protected abstract double Decay(double progress);
}

/// <summary>Stays at the optimiser's learning rate: <c>decay(p) = 1</c>.</summary>
public sealed record ConstantSchedule : LearningRateSchedule
{
    /// <inheritdoc/>
    protected override double Decay(double progress) => 1;
}

/// <summary>A schedule that falls from 1 to a final fraction.</summary>
public abstract record FallingSchedule : LearningRateSchedule
{
    /// <summary>The fraction of the optimiser's learning rate at the end of the budget; from 0 to less than 1.</summary>
    public double Final { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Within("training.schedule.final", Final, 0, 1);
    }
}

/// <summary>Falls in a straight line: <c>decay(p) = 1 - (1 - final) p</c>.</summary>
public sealed record LinearSchedule : FallingSchedule
{
    /// <inheritdoc/>
    protected override double Decay(double progress) => 1 - ((1 - Final) * progress);
}

/// <summary>
/// Falls slowly, then fast, then slowly: <c>decay(p) = final + (1 - final) (1 + cos(pi p)) / 2</c> (Loshchilov and Hutter
/// 2016, arXiv 1608.03983, equation 5, without restarts).
/// </summary>
public sealed record CosineSchedule : FallingSchedule
{
    /// <inheritdoc/>
    protected override double Decay(double progress) => Final + ((1 - Final) * (1 + Math.Cos(Math.PI * progress)) / 2);
}
