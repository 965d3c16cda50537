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
public sealed record CopyTask : SequenceTask
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
    public override int OutputWidth() => Bits;

    /// <inheritdoc/>
    public override string ScoreName() => "wrong bits";

    /// <inheritdoc/>
    public override int LongestTrained() => MaxLength;

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("task.bits", Bits, 1);
        Require.AtLeast("task.minLength", MinLength, 1);
        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch) =>
        Generate(random, batch, random.Next(MinLength, MaxLength + 1));

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        Require.Between("task 'copy': length", length, 1, LengthLimit);
        Require.AtLeast("task 'copy': batch", batch, 1);
        var time = (2 * length) + 1;
        var width = Bits + 1;
        Require.Between("task 'copy': values in a batch", (long)batch * time * width, 1, Array.MaxLength);
        var input = new float[batch * time * width];
        var target = new float[batch * time * Bits];
        var mask = new float[batch * time];
        for (var sequence = 0; sequence < batch; sequence++)
        {
            for (var t = 0; t < length; t++)
            {
                var vector = input.AsSpan(((sequence * time) + t) * width, Bits);
                random.FillBits(vector);
                vector.CopyTo(target.AsSpan(((sequence * time) + length + 1 + t) * Bits));
            }

            input[(((sequence * time) + length) * width) + Bits] = 1;
            mask.AsSpan((sequence * time) + length + 1, length).Fill(1);
        }

        return new SequenceBatch(
            length,
            tensor(input, [batch, time, width]),
            tensor(target, [batch, time, Bits]),
            tensor(mask, [batch, time]));
    }

    /// <inheritdoc/>
    public override Tensor Loss(Tensor logits, SequenceBatch batch) => BinaryOutput.CrossEntropy(logits, batch);

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => BinaryOutput.WrongBits(logits, batch);
}
