using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>Loss and score of tasks whose targets are bits.</summary>
public static class BinaryOutput
{
    /// <summary>Binary cross-entropy of the masked bits: nats per sequence, averaged over the batch.</summary>
    /// <param name="logits">Logits, <c>[batch, time, bits]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public static Tensor CrossEntropy(Tensor logits, SequenceBatch batch)
    {
        Shape.Require("loss", "logits [batch, time, out]", logits, batch.Target.shape);
        var weight = batch.Mask.unsqueeze(-1).to(logits.dtype);
        var target = batch.Target.to(logits.dtype);
        var sum = nn.functional.binary_cross_entropy_with_logits(logits, target, weight, nn.Reduction.Sum);
        return sum / batch.Target.shape[0];
    }

    /// <summary>Wrong bits of each sequence: masked bits on the wrong side of 0.5.</summary>
    /// <param name="logits">Logits, <c>[batch, time, bits]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public static float[] WrongBits(Tensor logits, SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        var wrong = logits.detach().gt(0).ne(batch.Target.gt(0.5));
        var counted = wrong.to(ScalarType.Float32) * batch.Mask.unsqueeze(-1);
        return counted.sum([1L, 2L]).cpu().data<float>().ToArray();
    }

    /// <summary>1 for each sequence with any wrong bit, else 0.</summary>
    /// <param name="logits">Logits, <c>[batch, time, bits]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public static float[] WrongSequences(Tensor logits, SequenceBatch batch) =>
        Array.ConvertAll(WrongBits(logits, batch), wrong => wrong > 0 ? 1f : 0f);
}
