using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Copy (Graves, Wayne, Danihelka 2014, section 4.1): see L random vectors of bits, then a delimiter on a channel of its
/// own, then answer with the vectors during L blank steps. With 3 bits and L = 2:
/// <code>
/// input   bit 0    1 0 . . .        target  bit 0    . . . 1 0
///         bit 1    0 1 . . .                bit 1    . . . 0 1
///         bit 2    1 1 . . .                bit 2    . . . 1 1
///         delimiter. . 1 . .        mask             . . . 1 1
/// </code>
/// All sequences of a batch have the same length. Score: wrong bits per sequence.
/// </summary>
[CatalogName("copy", "Repeat a sequence of random bits after seeing all of it (Graves et al. 2014).")]
public record CopyTask : SequenceTask
{
    /// <summary>Bits in each vector.</summary>
    public int Bits { get; init; } = 8;

    /// <summary>The shortest training sequence, in vectors.</summary>
    public int MinLength { get; init; } = 1;

    /// <summary>The longest training sequence, in vectors.</summary>
    public int MaxLength { get; init; } = 20;

    /// <inheritdoc/>
    public override int InputWidth() => Bits + 1;

    /// <inheritdoc/>
    public override string InputName(int channel) => channel < Bits ? $"bit {channel}" : "delimiter";

    /// <inheritdoc/>
    public override int OutputWidth() => Bits;

    /// <inheritdoc/>
    public override string OutputName(int channel) => $"bit {channel}";

    /// <inheritdoc/>
    public override TaskOutput Output() => new BinaryOutput();

    /// <inheritdoc/>
    public override string ScoreName() => "wrong bits";

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLength, MaxLength);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) => new((double)length * Bits, length * Bits / 2.0);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("task.bits", Bits, 1);
        Require.AtLeast("task.minLength", MinLength, 1);
        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("length", length);
        var canvas = NewCanvas(batch, (2L * length) + 1, Bits);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            for (var t = 0; t < length; t++)
            {
                var vector = canvas.Input(sequence, t)[..Bits];
                random.FillBits(vector);
                vector.CopyTo(canvas.Want(sequence, length + 1 + t));
            }

            canvas.Input(sequence, length)[Bits] = 1;
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => BinaryOutput.WrongBits(logits, batch);
}
