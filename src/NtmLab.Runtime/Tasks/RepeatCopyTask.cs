using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Repeat copy (Graves, Wayne, Danihelka 2014, section 4.2): see L random vectors of bits, a delimiter on a channel of its own and,
/// on another one, how often to repeat, R; then answer with the vectors R times and with an end marker on a channel of its own.
/// With 2 bits, L = 2 and R = 2:
/// <code>
/// input   bit 0    1 0 . . . . . . .        target  bit 0  . . . . 1 0 1 0 .
///         bit 1    1 1 . . . . . . .                bit 1  . . . . 1 1 1 1 .
///         delimiter. . 1 . . . . . .                end    . . . . . . . . 1
///         repeats  . . . r . . . . .        mask           . . . . 1 1 1 1 1
/// </code>
/// R is given as r, with mean 0 and variance 1 over the training range. All sequences of a batch have the same L and R; L is the
/// task's length. Score: wrong bits per sequence, the marker's channel included.
/// </summary>
[CatalogName("repeat-copy", "Repeat a sequence of random bits a given number of times, then mark the end (Graves et al. 2014).")]
public sealed record RepeatCopyTask : SequenceTask
{
    /// <summary>Bits in each vector.</summary>
    public int Bits { get; init; } = 8;

    /// <summary>The shortest training sequence, in vectors.</summary>
    public int MinLength { get; init; } = 1;

    /// <summary>The longest training sequence, in vectors.</summary>
    public int MaxLength { get; init; } = 10;

    /// <summary>The fewest repeats in training.</summary>
    public int MinRepeats { get; init; } = 1;

    /// <summary>The most repeats in training.</summary>
    public int MaxRepeats { get; init; } = 10;

    /// <summary>
    /// Always this many repeats, which may lie outside the training range; 0 to draw them from it. The range decides how the number
    /// is given, so a model can be evaluated beyond it.
    /// </summary>
    public int Repeats { get; init; }

    /// <inheritdoc/>
    public override int InputWidth() => Bits + 2;

    /// <inheritdoc/>
    public override string InputName(int channel) =>
        channel < Bits ? $"bit {channel}" : channel == Bits ? "delimiter" : "repeats";

    /// <inheritdoc/>
    public override int OutputWidth() => Bits + 1;

    /// <inheritdoc/>
    public override string OutputName(int channel) => channel < Bits ? $"bit {channel}" : "end";

    /// <inheritdoc/>
    public override TaskOutput Output() => new BinaryOutput();

    /// <inheritdoc/>
    public override string ScoreName() => "wrong bits";

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLength, MaxLength);

    /// <inheritdoc/>
    /// <remarks>It knows where the end is.</remarks>
    public override TaskReference Baseline(int length)
    {
        var bits = (double)length * Bits * (Repeats > 0 ? Repeats : (MinRepeats + MaxRepeats) / 2.0);
        return new(bits, bits / 2);
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("task.bits", Bits, 1);
        Require.AtLeast("task.minLength", MinLength, 1);
        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
        Require.AtLeast("task.minRepeats", MinRepeats, 1);
        Require.Between("task.maxRepeats", MaxRepeats, MinRepeats, LengthLimit);
        Require.Between("task.repeats", Repeats, 0, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("length", length);
        var repeats = Repeats > 0 ? Repeats : random.Next(MinRepeats, MaxRepeats + 1);
        var answer = length + 2;
        var canvas = NewCanvas(batch, answer + ((long)length * repeats) + 1, Bits + 1);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            for (var t = 0; t < length; t++)
            {
                var vector = canvas.Input(sequence, t)[..Bits];
                random.FillBits(vector);
                for (var repeat = 0; repeat < repeats; repeat++)
                {
                    vector.CopyTo(canvas.Want(sequence, answer + (repeat * length) + t));
                }
            }

            canvas.Input(sequence, length)[Bits] = 1;
            canvas.Input(sequence, length + 1)[Bits + 1] = Standardised(repeats);
            canvas.Want(sequence, answer + (length * repeats))[Bits] = 1;
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => BinaryOutput.WrongBits(logits, batch);

    /// <summary>A number of repeats less the mean of the training range, divided by its standard deviation.</summary>
    private float Standardised(int repeats)
    {
        var count = MaxRepeats - MinRepeats + 1.0;
        var deviation = count == 1 ? 1 : Math.Sqrt(((count * count) - 1) / 12);
        return (float)((repeats - ((MinRepeats + MaxRepeats) / 2.0)) / deviation);
    }
}
