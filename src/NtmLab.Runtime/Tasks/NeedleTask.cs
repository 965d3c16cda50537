using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Needle recall: see k pairs of a key and a value, then T distracting steps, then one of the keys with a query flag, and
/// answer with its value in that same step. With 2 bits each, 2 pairs and T = 3:
/// <code>
/// input   key 0    0 1 1 0 1 1        target  value 0  . . . . . 0
///         key 1    1 0 1 0 1 0                value 1  . . . . . 1
///         value 0  1 0 0 1 1 .        mask             . . . . . 1
///         value 1  1 1 0 1 0 .
///         pair     1 1 . . . .
///         query    . . . . . 1
/// </code>
/// The keys of a sequence differ; each is equally likely to be asked for. All sequences of a batch have the same lag T,
/// which is the task's length. Score: the fraction of sequences with any wrong bit; without memory 1 - 2^-ValueBits.
/// </summary>
[CatalogName("needle", "Recall the value of a key that was seen once, long ago, among distracting steps.")]
public sealed record NeedleTask : SequenceTask
{
    /// <summary>Keys are drawn as whole numbers of 64 bits.</summary>
    private const int KeyBitsLimit = 62;

    /// <summary>Pairs of a key and a value, k.</summary>
    public int Pairs { get; init; } = 1;

    /// <summary>Bits in each key.</summary>
    public int KeyBits { get; init; } = 8;

    /// <summary>Bits in each value.</summary>
    public int ValueBits { get; init; } = 8;

    /// <summary>The shortest training lag T, in steps.</summary>
    public int MinLag { get; init; } = 10;

    /// <summary>The longest training lag T, in steps.</summary>
    public int MaxLag { get; init; } = 50;

    /// <summary>What stands between the pairs and the query.</summary>
    public Distractors Distractors { get; init; }

    /// <inheritdoc/>
    public override int InputWidth() => KeyBits + ValueBits + 2;

    /// <inheritdoc/>
    public override string InputName(int channel) =>
        channel < KeyBits ? $"key {channel}"
        : channel < KeyBits + ValueBits ? $"value {channel - KeyBits}"
        : channel == KeyBits + ValueBits ? "pair" : "query";

    /// <inheritdoc/>
    public override int OutputWidth() => ValueBits;

    /// <inheritdoc/>
    public override string OutputName(int channel) => $"value {channel}";

    /// <inheritdoc/>
    public override TaskOutput Output() => new BinaryOutput();

    /// <inheritdoc/>
    public override string ScoreName() => "wrong sequences";

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLag, MaxLag);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) => new(ValueBits, 1 - Math.Pow(2, -ValueBits));

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.Between("task.keyBits", KeyBits, 1, KeyBitsLimit);
        Require.AtLeast("task.valueBits", ValueBits, 1);
        Require.Between("task.pairs", Pairs, 1, LengthLimit);
        if (Pairs > 1L << KeyBits)
        {
            throw new ConfigurationException(
                $"task.pairs: {Pairs} is not allowed with {KeyBits} task.keyBits; at most {1L << KeyBits}, one a key, is.");
        }

        Require.AtLeast("task.minLag", MinLag, 1);
        Require.Between("task.maxLag", MaxLag, MinLag, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("lag", length);
        var time = Pairs + (long)length + 1;
        var canvas = NewCanvas(batch, time, ValueBits);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            Fill(random, canvas.Inputs(sequence), canvas.Want(sequence, (int)time - 1));
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => BinaryOutput.WrongSequences(logits, batch);

    /// <summary>Fills one sequence.</summary>
    /// <param name="random">The batch's stream.</param>
    /// <param name="steps">The sequence's input, zeros, <c>[time, feature]</c>.</param>
    /// <param name="answer">What is wanted in the last step.</param>
    private void Fill(RandomStream random, Span<float> steps, Span<float> answer)
    {
        var width = InputWidth();
        var content = KeyBits + ValueBits;
        var step = 0;
        foreach (var key in random.Different(Pairs, 1L << KeyBits))
        {
            var pair = steps.Slice(step++ * width, width);
            for (var bit = 0; bit < KeyBits; bit++)
            {
                pair[bit] = (key >> bit) & 1;
            }

            random.FillBits(pair[KeyBits..content]);
            pair[content] = 1;
        }

        var asked = steps.Slice(random.Next(Pairs) * width, content);
        var query = steps[^width..];
        asked[..KeyBits].CopyTo(query);
        query[content + 1] = 1;
        asked[KeyBits..].CopyTo(answer);
        if (Distractors == Distractors.Bits)
        {
            for (var start = Pairs * width; start < steps.Length - width; start += width)
            {
                random.FillBits(steps.Slice(start, content));
            }
        }
    }
}

/// <summary>What a sequence holds between what is to be remembered and the question.</summary>
public enum Distractors
{
    /// <summary>Random bits, without the flags.</summary>
    Bits,

    /// <summary>Zeros.</summary>
    Blank,
}
