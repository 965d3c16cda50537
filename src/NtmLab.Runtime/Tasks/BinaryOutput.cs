using NtmLab.Kernels;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>Loss and score of tasks whose targets are bits.</summary>
public sealed class BinaryOutput : TaskOutput
{
    /// <inheritdoc/>
    public override Tensor Loss(Tensor logits, SequenceBatch batch) => CrossEntropy(logits, batch);

    /// <inheritdoc/>
    public override Tensor Answers(Tensor logits) => logits.sigmoid();

    /// <inheritdoc/>
    public override Tensor Wanted(SequenceBatch batch) => batch.Target.alias();

    /// <summary>Binary cross-entropy of the masked bits: nats per sequence, averaged over the batch.</summary>
    /// <param name="logits">Logits, <c>[batch, time, bits]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    /// <exception cref="ShapeException">The logits have another shape than the targets.</exception>
    public static Tensor CrossEntropy(Tensor logits, SequenceBatch batch)
    {
        Shape.Require("loss", "logits [batch, time, out]", logits, batch.Target.shape);
        return TensorMemory.IsPlain(logits) && TensorMemory.IsPlain(batch.Target) && TensorMemory.IsPlain(batch.Mask)
            ? FusedCrossEntropy.apply(logits, batch.Target, batch.Mask)
            : Plain(logits, batch.Target, batch.Mask);
    }

    /// <summary>Wrong bits of each sequence: masked bits on the wrong side of 0.5.</summary>
    /// <param name="logits">Logits, <c>[batch, time, bits]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public static float[] WrongBits(Tensor logits, SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        ReadOnlySpan<float> Values(Tensor tensor) =>
            TensorMemory.Values(tensor.detach().cpu().to(ScalarType.Float32).contiguous());
        ReadOnlySpan<float> outputs = Values(logits), targets = Values(batch.Target), mask = Values(batch.Mask);
        var wrong = new float[logits.shape[0]];
        for (var i = 0; i < wrong.Length; i++)
        {
            var (bits, steps) = (outputs.Length / wrong.Length, mask.Length / wrong.Length);
            wrong[i] = BitCrossEntropy.WrongBits(
                outputs.Slice(i * bits, bits), targets.Slice(i * bits, bits), mask.Slice(i * steps, steps));
        }

        return wrong;
    }

    /// <summary>1 for each sequence with any wrong bit, else 0.</summary>
    /// <param name="logits">Logits, <c>[batch, time, bits]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public static float[] WrongSequences(Tensor logits, SequenceBatch batch) =>
        Array.ConvertAll(WrongBits(logits, batch), wrong => wrong > 0 ? 1f : 0f);

    private static Tensor Plain(Tensor logits, Tensor target, Tensor mask)
    {
        var weight = mask.unsqueeze(-1).to(logits.dtype);
        var sum = nn.functional.binary_cross_entropy_with_logits(
            logits, target.to(logits.dtype), weight, nn.Reduction.Sum);
        return HeldNumber.With(target.shape[0], sequences => sum / sequences);
    }

    /// <summary>
    /// The loss as one function, since its small operations would take longer than all the arithmetic of a short batch.
    /// </summary>
    private sealed class FusedCrossEntropy : autograd.SingleTensorFunction<FusedCrossEntropy>
    {
        public override string Name => "FusedCrossEntropy";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (logits, target, mask) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
            var gradient = empty_like(logits);
            var batch = logits.shape[0];
            var loss = BitCrossEntropy.Evaluate(
                TensorMemory.Values(logits),
                TensorMemory.Values(target),
                TensorMemory.Values(mask),
                1f / batch,
                TensorMemory.Values(gradient));
            ctx.save_for_backward([logits, target, mask, gradient]);
            return tensor((float)(loss / batch));
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var saved = ctx.get_saved_variables();
            var (logits, target, mask, gradient) = (saved[0], saved[1], saved[2], saved[3]);

            // Where second derivatives may follow, the gradient must be a function of the logits.
            var result = is_grad_enabled()
                ? HeldNumber.With(
                    logits.shape[0],
                    sequences => (logits.sigmoid() - target) * mask.unsqueeze(-1) * grad_output / sequences)
                : gradient * grad_output;
            return [result, null!, null!];
        }
    }
}
