using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Needle recall in a redundant stream: see k facts, each a key and its value, again and again, every time with other noise; then
/// one of the keys with a query flag, and answer with its value in that same step. What repeats need not be saved again. With 2
/// bits each, 2 facts, 2 repeats in blocks and no noise:
/// <code>
/// input   key 0    0 0 1 1 1         target  value 0  . . . . 0
///         key 1    1 1 0 0 0                 value 1  . . . . 1
///         value 0  1 1 0 0 .         mask             . . . . 1
///         value 1  1 1 1 1 .
///         fact     1 1 1 1 .
///         query    . . . . 1
/// </code>
/// The keys of a sequence differ; each is equally likely to be asked for. Noise is normal and is added to every bit of key and
/// value, of the facts but not of the query. The task's length is the number of repeats, the same for all facts of a batch. Score:
/// the fraction of sequences with any wrong bit; without memory 1 - 2^-ValueBits.
/// </summary>
[CatalogName("redundant-needle", "Recall the value of a key from a stream that repeats every fact many times, with noise.")]
public sealed record RedundantNeedleTask : SequenceTask
{
    /// <summary>Keys are drawn as whole numbers of 64 bits.</summary>
    private const int KeyBitsLimit = 62;

    /// <summary>Facts, k.</summary>
    public int Facts { get; init; } = 4;

    /// <summary>Bits in each key.</summary>
    public int KeyBits { get; init; } = 8;

    /// <summary>Bits in each value.</summary>
    public int ValueBits { get; init; } = 8;

    /// <summary>The fewest times that each fact is seen in training.</summary>
    public int MinRepeats { get; init; } = 1;

    /// <summary>The most times that each fact is seen in training.</summary>
    public int MaxRepeats { get; init; } = 4;

    /// <summary>The standard deviation of the noise on every bit.</summary>
    public double Noise { get; init; } = 0.1;

    /// <summary>In which order the facts are seen.</summary>
    public RepeatOrder Order { get; init; }

    /// <inheritdoc/>
    public override int InputWidth() => KeyBits + ValueBits + 2;

    /// <inheritdoc/>
    public override string InputName(int channel) =>
        channel < KeyBits ? $"key {channel}"
        : channel < KeyBits + ValueBits ? $"value {channel - KeyBits}"
        : channel == KeyBits + ValueBits ? "fact" : "query";

    /// <inheritdoc/>
    public override int OutputWidth() => ValueBits;

    /// <inheritdoc/>
    public override string OutputName(int channel) => $"value {channel}";

    /// <inheritdoc/>
    public override TaskOutput Output() => new BinaryOutput();

    /// <inheritdoc/>
    public override string ScoreName() => "wrong sequences";

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinRepeats, MaxRepeats);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) => new(ValueBits, 1 - Math.Pow(2, -ValueBits));

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.Between("task.keyBits", KeyBits, 1, KeyBitsLimit);
        Require.AtLeast("task.valueBits", ValueBits, 1);
        Require.Between("task.facts", Facts, 1, LengthLimit);
        if (Facts > 1L << KeyBits)
        {
            throw new ConfigurationException(
                $"task.facts: {Facts} is not allowed with {KeyBits} task.keyBits; at most {1L << KeyBits}, one a key, is.");
        }

        Require.AtLeast("task.minRepeats", MinRepeats, 1);
        Require.Between("task.maxRepeats", MaxRepeats, MinRepeats, LengthLimit);
        Require.NotNegative("task.noise", Noise);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("repeats", length);
        var time = (Facts * (long)length) + 1;
        var canvas = NewCanvas(batch, time, ValueBits);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            Fill(random, canvas, sequence, length);
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => BinaryOutput.WrongSequences(logits, batch);

    private void Fill(RandomStream random, BatchCanvas canvas, int sequence, int repeats)
    {
        var content = KeyBits + ValueBits;
        var facts = new float[Facts][];
        var next = 0;
        foreach (var key in random.Different(Facts, 1L << KeyBits))
        {
            var fact = new float[content];
            for (var bit = 0; bit < KeyBits; bit++)
            {
                fact[bit] = (key >> bit) & 1;
            }

            random.FillBits(fact.AsSpan(KeyBits));
            facts[next++] = fact;
        }

        var step = 0;
        foreach (var seen in Arrange(random, repeats))
        {
            var input = canvas.Input(sequence, step++);
            for (var i = 0; i < content; i++)
            {
                input[i] = facts[seen][i] + (float)(Noise * random.NextNormal());
            }

            input[content] = 1;
        }

        var asked = facts[random.Next(Facts)];
        var query = canvas.Input(sequence, step);
        asked.AsSpan(0, KeyBits).CopyTo(query);
        query[content + 1] = 1;
        asked.AsSpan(KeyBits).CopyTo(canvas.Want(sequence, step));
    }

    /// <summary>Which fact is seen in each step.</summary>
    private int[] Arrange(RandomStream random, int repeats)
    {
        var order = new int[Facts * repeats];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i / repeats;
        }

        if (Order == RepeatOrder.Shuffled)
        {
            random.Shuffle(order);
        }

        return order;
    }
}

/// <summary>The order of what is repeated.</summary>
public enum RepeatOrder
{
    /// <summary>All repeats of a fact follow one another.</summary>
    Blocks,

    /// <summary>Repeats of all facts are mixed, every order equally likely.</summary>
    Shuffled,
}
