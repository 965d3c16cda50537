using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>Loss and score of tasks whose target in each step is one token of an alphabet.</summary>
/// <param name="alphabet">How many tokens there are.</param>
public sealed class TokenOutput(int alphabet) : TaskOutput
{
    /// <inheritdoc/>
    /// <remarks>Cross-entropy of the masked steps, summed over a sequence: nats.</remarks>
    public override Tensor Loss(Tensor logits, SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        var (rows, wanted, _) = Masked(logits, batch);
        var sum = nn.functional.cross_entropy(rows, wanted, reduction: nn.Reduction.Sum);
        return HeldNumber.With(batch.Mask.shape[0], sequences => sum / sequences).MoveToOuterDisposeScope();
    }

    /// <summary>Wrong tokens of each sequence: masked steps in which another token than the wanted one is likeliest.</summary>
    /// <param name="logits">Logits, <c>[batch, time, alphabet]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public float[] WrongTokens(Tensor logits, SequenceBatch batch)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (rows, wanted, places) = Masked(logits, batch);
        var isWrong = rows.argmax(-1).ne(wanted).cpu().data<bool>();
        var steps = batch.Mask.shape[1];
        var counts = new float[batch.Mask.shape[0]];
        var row = 0;
        foreach (var place in places.cpu().data<long>())
        {
            counts[place / steps] += isWrong[row++] ? 1 : 0;
        }

        return counts;
    }

    /// <summary>The fraction of wrong tokens of each sequence among its masked steps; 0 where there are none.</summary>
    /// <param name="logits">Logits, <c>[batch, time, alphabet]</c>.</param>
    /// <param name="batch">Targets and mask.</param>
    public float[] WrongFraction(Tensor logits, SequenceBatch batch)
    {
        var wrong = WrongTokens(logits, batch);
        using var scope = NewDisposeScope();
        var counted = batch.Mask.sum(1).cpu().data<float>();
        for (var i = 0; i < wrong.Length; i++)
        {
            wrong[i] /= Math.Max(1, counted[i]);
        }

        return wrong;
    }

    /// <inheritdoc/>
    public override Tensor Answers(Tensor logits) => logits.softmax(-1);

    /// <inheritdoc/>
    public override Tensor Wanted(SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        var each = nn.functional.one_hot(batch.Target, alphabet).to(ScalarType.Float32);
        return (each * batch.Mask.unsqueeze(-1)).MoveToOuterDisposeScope();
    }

    /// <summary>The logits, the wanted tokens and the places of the masked steps, which may be few among many.</summary>
    private (Tensor Rows, Tensor Wanted, Tensor Places) Masked(Tensor logits, SequenceBatch batch)
    {
        Shape.Require("loss", "logits [batch, time, out]", logits, [.. batch.Target.shape, alphabet]);
        var places = batch.Mask.flatten().nonzero().squeeze(-1);
        return (logits.flatten(0, 1).index_select(0, places), batch.Target.flatten().index_select(0, places), places);
    }
}
