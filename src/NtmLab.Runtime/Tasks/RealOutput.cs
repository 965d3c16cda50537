using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>Loss and score of tasks whose targets are real numbers, given out as they are.</summary>
public sealed class RealOutput : TaskOutput
{
    /// <inheritdoc/>
    public override string LossName => "squared error a sequence";

    /// <inheritdoc/>
    public override double LossUnit => 1;

    /// <inheritdoc/>
    /// <remarks>Squared error, summed over the masked values of a sequence.</remarks>
    public override Tensor Loss(Tensor logits, SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        var sum = Squares(logits, batch).sum();
        return HeldNumber.With(batch.Mask.shape[0], sequences => sum / sequences).MoveToOuterDisposeScope();
    }

    /// <summary>The squared error of each sequence, averaged over its masked values; 0 where there are none.</summary>
    /// <param name="logits">Outputs, <c>[batch, time, out]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public static float[] SquaredError(Tensor logits, SequenceBatch batch)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var sums = Squares(logits, batch).sum([1L, 2L]);
        var counted = HeldNumber.With(batch.Target.shape[2], width => batch.Mask.sum(1) * width);
        return (sums / HeldNumber.With(1, one => counted.clamp_min(one))).to(ScalarType.Float32).cpu().data<float>().ToArray();
    }

    /// <inheritdoc/>
    public override Tensor Answers(Tensor logits) => logits.alias();

    /// <inheritdoc/>
    public override Tensor Wanted(SequenceBatch batch) => batch.Target.alias();

    private static Tensor Squares(Tensor logits, SequenceBatch batch)
    {
        Shape.Require("loss", "outputs [batch, time, out]", logits, batch.Target.shape);
        return (logits - batch.Target).square() * batch.Mask.unsqueeze(-1);
    }
}
