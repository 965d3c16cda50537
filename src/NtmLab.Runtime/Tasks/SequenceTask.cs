using NtmLab.Configuration;
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

    /// <summary>Features of the input in each step; 1, the token's number, for a task whose inputs are tokens.</summary>
    public abstract int InputWidth();

    /// <summary>How many tokens there are where the input is the number of a token in each step; 0 where it is a vector.</summary>
    public virtual int InputTokens() => 0;

    /// <summary>What a channel of the input carries, for pictures, e.g. <c>delimiter</c>.</summary>
    /// <param name="channel">From 0; with tokens, the token.</param>
    public virtual string InputName(int channel) => $"{channel}";

    /// <summary>Logits wanted in each step.</summary>
    public abstract int OutputWidth();

    /// <summary>What a channel of the target means, for pictures.</summary>
    /// <param name="channel">From 0; with tokens, the token.</param>
    public virtual string OutputName(int channel) => $"{channel}";

    /// <summary>What the logits mean: it decides the loss.</summary>
    public abstract TaskOutput Output();

    /// <summary>The name of the score, e.g. <c>wrong bits</c>; less is better.</summary>
    public abstract string ScoreName();

    /// <summary>The lengths of training sequences, in the task's own measure.</summary>
    public abstract LengthRange Lengths();

    /// <summary>The lengths that sequences can have at all; by default any.</summary>
    public virtual LengthRange Possible() => new(1, LengthLimit);

    /// <summary>
    /// What a predictor reaches that knows the task and the place in the sequence, but remembers nothing of the input.
    /// </summary>
    /// <param name="length">The task's own measure of length.</param>
    public abstract TaskReference Baseline(int length);

    /// <summary>What the best possible predictor reaches on average, where that is not a loss and a score of 0; else null.</summary>
    /// <param name="length">The task's own measure of length.</param>
    public virtual TaskReference? Optimum(int length) => null;

    /// <summary>Whether a sequence with this score counts as perfect: by default one with a score of 0.</summary>
    public virtual bool IsPerfect(float score) => score <= 0;

    /// <summary>The task with those parts that are no options, as a script describes them; by default there are none.</summary>
    /// <param name="described">The task of the script that this one was written down from.</param>
    public virtual SequenceTask As(SequenceTask described) => this;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public abstract void Validate();

    /// <summary>A batch of sequences of one length; it may lie outside the training range.</summary>
    /// <param name="random">The batch's stream.</param>
    /// <param name="batch">The number of sequences.</param>
    /// <param name="length">The task's own measure of length, 1 or more.</param>
    /// <exception cref="ConfigurationException">There can be no such batch.</exception>
    public abstract SequenceBatch Generate(RandomStream random, int batch, int length);

    /// <summary>A batch as training or evaluation asks for it; tasks on finite data take it from the part that is asked for.</summary>
    /// <exception cref="ConfigurationException">There can be no such batch.</exception>
    public virtual SequenceBatch Generate(BatchRequest request) => Generate(request.Random, request.Count, request.Length);

    /// <summary>A batch of a length drawn uniformly from the training range.</summary>
    /// <param name="random">The batch's stream.</param>
    /// <param name="batch">The number of sequences.</param>
    public SequenceBatch Generate(RandomStream random, int batch) => Generate(random, batch, Lengths().Draw(random));

    /// <summary>The training loss: nats (or squared error) per sequence, averaged over the batch; a scalar.</summary>
    /// <param name="logits">The model's output, <c>[batch, time, out]</c>.</param>
    /// <param name="batch">The batch it was given.</param>
    public virtual Tensor Loss(Tensor logits, SequenceBatch batch) => Output().Loss(logits, batch);

    /// <summary>The score of each sequence.</summary>
    /// <param name="logits">The model's output, <c>[batch, time, out]</c>.</param>
    /// <param name="batch">The batch it was given.</param>
    public abstract float[] Score(Tensor logits, SequenceBatch batch);

    /// <summary>An empty batch of sequences of one number of steps, to be filled in.</summary>
    /// <param name="batch">The number of sequences.</param>
    /// <param name="time">Steps of each, 1 or more.</param>
    /// <param name="targetWidth">Values of the target in each step; 1 for tokens.</param>
    /// <exception cref="ConfigurationException">No memory holds such a batch.</exception>
    protected BatchCanvas NewCanvas(int batch, long time, int targetWidth) =>
        new($"task '{Catalog.NameOf(GetType())}'", batch, time, InputWidth(), targetWidth);

    /// <summary>Requires a length that this task can generate.</summary>
    /// <param name="name">The task's own word for it, e.g. <c>lag</c>.</param>
    /// <param name="length">The length.</param>
    /// <exception cref="ConfigurationException">It is out of range.</exception>
    protected void RequireLength(string name, int length) =>
        Require.Between(
            $"task '{Catalog.NameOf(GetType())}': {name}", length, Possible().Shortest, Possible().Longest);
}

/// <summary>A range of lengths, both ends included.</summary>
/// <param name="Shortest">The least length, 1 or more.</param>
/// <param name="Longest">The greatest length.</param>
public readonly record struct LengthRange(int Shortest, int Longest)
{
    /// <summary>A length of the range, each equally likely.</summary>
    public int Draw(RandomStream random) => random.Next(Shortest, Longest + 1);
}

/// <summary>What a known predictor reaches on average.</summary>
/// <param name="Loss">Per sequence, as reported: bits, or squared error (see <see cref="TaskOutput.LossUnit"/>).</param>
/// <param name="Score">In the task's score.</param>
public readonly record struct TaskReference(double Loss, double Score);

/// <summary>What training or evaluation asks of a task.</summary>
/// <param name="Random">The batch's own stream.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="First">How many sequences came before in this training or evaluation.</param>
/// <param name="Count">The number of sequences.</param>
/// <param name="Length">The task's own measure of length.</param>
/// <param name="HeldOut">Whether sequences are wanted that training never sees.</param>
public readonly record struct BatchRequest(
    RandomStream Random, ulong Seed, long First, int Count, int Length, bool HeldOut);
