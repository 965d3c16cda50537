using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// A task: an immutable record that is its own configuration, generates batches from an explicit random stream, and scores
/// outputs. The same stream key always gives the same batch.
/// </summary>
public abstract record SequenceTask
{
    /// <summary>The greatest length that may be asked for; a batch of such sequences fills the memory of any machine.</summary>
    public const int LengthLimit = 10_000_000;

    /// <summary>Features of the input in each step.</summary>
    public abstract int InputWidth();

    /// <summary>Logits wanted in each step.</summary>
    public abstract int OutputWidth();

    /// <summary>The name of the score, e.g. <c>wrong bits</c>; less is better.</summary>
    public abstract string ScoreName();

    /// <summary>The greatest length that training batches have, in the task's own measure.</summary>
    public abstract int LongestTrained();

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public abstract void Validate();

    /// <summary>A training batch: lengths are drawn from the task's own range.</summary>
    /// <param name="random">The batch's stream.</param>
    /// <param name="batch">The number of sequences.</param>
    public abstract SequenceBatch Generate(RandomStream random, int batch);

    /// <summary>A batch of one given length, for evaluation; it may lie outside the training range.</summary>
    /// <param name="random">The batch's stream.</param>
    /// <param name="batch">The number of sequences.</param>
    /// <param name="length">The task's own measure of length, 1 or more.</param>
    public abstract SequenceBatch Generate(RandomStream random, int batch, int length);

    /// <summary>The training loss: nats per sequence, averaged over the batch; a scalar.</summary>
    /// <param name="logits">The model's output, <c>[batch, time, out]</c>.</param>
    /// <param name="batch">The batch it was given.</param>
    public abstract Tensor Loss(Tensor logits, SequenceBatch batch);

    /// <summary>The score of each sequence.</summary>
    /// <param name="logits">The model's output, <c>[batch, time, out]</c>.</param>
    /// <param name="batch">The batch it was given.</param>
    public abstract float[] Score(Tensor logits, SequenceBatch batch);
}

/// <summary>Sequences with what is wanted of them.</summary>
/// <param name="Length">The task's own measure of length.</param>
/// <param name="Input">Inputs, <c>[batch, time, feature]</c>.</param>
/// <param name="Target">Wanted outputs, <c>[batch, time, out]</c>.</param>
/// <param name="Mask">1 where loss and score count, else 0, <c>[batch, time]</c>.</param>
public sealed record SequenceBatch(int Length, Tensor Input, Tensor Target, Tensor Mask) : IDisposable
{
    /// <summary>
    /// A copy of the batch on a device, in libtorch's own memory: a tensor over a managed array begins wherever the collector
    /// put it, and products of matrices round differently from one alignment to another.
    /// </summary>
    public SequenceBatch To(Device device) =>
        new(Length, Input.to(device, copy: true), Target.to(device, copy: true), Mask.to(device, copy: true));

    /// <inheritdoc/>
    public void Dispose()
    {
        Input.Dispose();
        Target.Dispose();
        Mask.Dispose();
    }
}
