using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>Sequences with what is wanted of them.</summary>
/// <param name="Length">The task's own measure of length.</param>
/// <param name="Input">Inputs, <c>[batch, time, feature]</c>; the feature of a token is its number.</param>
/// <param name="Target">Wanted outputs, <c>[batch, time, out]</c>, or the numbers of tokens, <c>[batch, time]</c> of int64.</param>
/// <param name="Mask">1 where loss and score count, else 0, <c>[batch, time]</c>.</param>
public sealed record SequenceBatch(int Length, Tensor Input, Tensor Target, Tensor Mask) : IDisposable
{
    /// <summary>Inputs, <c>[batch, time, feature]</c>.</summary>
    public Tensor Input { get; } = TensorMemory.Aligned(Input);

    /// <summary>Batches as one: shorter sequences are followed by blank steps that do not count.</summary>
    /// <param name="batches">Batches of one task, one or more; they are used up.</param>
    /// <returns>All sequences in order, with the mean length.</returns>
    public static SequenceBatch Join(IReadOnlyList<SequenceBatch> batches)
    {
        var time = batches.Max(batch => batch.Input.shape[1]);
        Tensor Joined(Func<SequenceBatch, Tensor> part)
        {
            using var scope = NewDisposeScope();
            return cat([.. batches.Select(batch => Padded(part(batch), time))]).MoveToOuterDisposeScope();
        }

        var joined = new SequenceBatch(
            (int)Math.Round(batches.Average(batch => batch.Length)),
            Joined(batch => batch.Input),
            Joined(batch => batch.Target),
            Joined(batch => batch.Mask));
        foreach (var batch in batches)
        {
            batch.Dispose();
        }

        return joined;
    }

    /// <summary>The batch on another device, or itself.</summary>
    public SequenceBatch To(Device device) =>
        device.type == TorchSharp.DeviceType.CPU
            ? this
            : new(Length, Input.to(device), Target.to(device), Mask.to(device));

    /// <summary>The sequences in groups, each of so few that their steps together are no more than a number, or of one.</summary>
    /// <param name="steps">The most steps of a group.</param>
    public IEnumerable<SequenceBatch> Groups(long steps)
    {
        var (sequences, most) = (Input.shape[0], Math.Max(1, steps / Input.shape[1]));
        if (most >= sequences)
        {
            yield return this;
            yield break;
        }

        for (var first = 0L; first < sequences; first += most)
        {
            var count = Math.Min(most, sequences - first);
            yield return new SequenceBatch(
                Length, Input.narrow(0, first, count), Target.narrow(0, first, count), Mask.narrow(0, first, count));
        }
    }

    /// <summary>The batch's tensors, freed from the dispose scope that they were made in.</summary>
    internal SequenceBatch Detached()
    {
        Input.DetachFromDisposeScope();
        Target.DetachFromDisposeScope();
        Mask.DetachFromDisposeScope();
        return this;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Input.Dispose();
        Target.Dispose();
        Mask.Dispose();
    }

    private static Tensor Padded(Tensor part, long time)
    {
        var missing = part.shape.ToArray();
        missing[1] = time - missing[1];
        return missing[1] == 0 ? part : cat([part, zeros(missing, part.dtype)], 1);
    }
}
