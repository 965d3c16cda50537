using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>What the logits of a task mean.</summary>
public abstract class TaskOutput
{
    /// <summary>What the reported loss counts.</summary>
    public virtual string LossName => "bits a sequence";

    /// <summary>The reported loss per unit of <see cref="Loss"/>: by default bits per nat.</summary>
    public virtual double LossUnit => 1.4426950408889634;

    /// <summary>The training loss per sequence, averaged over the batch; a scalar.</summary>
    /// <param name="logits"><c>[batch, time, out]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    /// <exception cref="ShapeException">The logits do not fit the targets.</exception>
    public abstract Tensor Loss(Tensor logits, SequenceBatch batch);

    /// <summary>What the logits say, in the target's terms: probabilities or values, <c>[batch, time, channel]</c>.</summary>
    /// <param name="logits"><c>[batch, time, out]</c>.</param>
    public abstract Tensor Answers(Tensor logits);

    /// <summary>What is wanted, in the same terms, <c>[batch, time, channel]</c>.</summary>
    public abstract Tensor Wanted(SequenceBatch batch);
}
