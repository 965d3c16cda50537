using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Priority sort (Graves, Wayne, Danihelka 2014, section 4.5): see random vectors of bits, each with a priority uniform in
/// [-1, 1), then answer with the ones of highest priority, highest first and the earlier of equal ones first, during blank steps.
/// With 2 bits, 3 vectors and the first 2 wanted:
/// <code>
/// input   bit 0     1    0    1    . .        target  bit 0  . . . 0 1
///         bit 1     0    0    1    . .                bit 1  . . . 0 1
///         priority -0.8  0.5  0.1  . .        mask           . . . 1 1
/// </code>
/// The task's length is the number of vectors, the same for all sequences of a batch. Score: wrong bits per sequence.
/// </summary>
[CatalogName("priority-sort", "Sort random vectors by their priorities and name the first of them (Graves et al. 2014).")]
public sealed record PrioritySortTask : SequenceTask
{
    /// <summary>Bits in each vector.</summary>
    public int Bits { get; init; } = 8;

    /// <summary>The fewest vectors in training.</summary>
    public int MinLength { get; init; } = 20;

    /// <summary>The most vectors in training.</summary>
    public int MaxLength { get; init; } = 20;

    /// <summary>How many of <see cref="MaxLength"/> vectors are wanted; of fewer or more, as large a part, at least one.</summary>
    public int Wanted { get; init; } = 16;

    /// <inheritdoc/>
    public override int InputWidth() => Bits + 1;

    /// <inheritdoc/>
    public override string InputName(int channel) => channel < Bits ? $"bit {channel}" : "priority";

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
    public override TaskReference Baseline(int length) => new((double)WantedOf(length) * Bits, WantedOf(length) * Bits / 2.0);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("task.bits", Bits, 1);
        Require.AtLeast("task.minLength", MinLength, 1);
        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
        Require.Between("task.wanted", Wanted, 1, MaxLength);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("length", length);
        var wanted = WantedOf(length);
        var canvas = NewCanvas(batch, (long)length + wanted, Bits);
        var order = new (float Priority, int Place)[length];
        for (var sequence = 0; sequence < batch; sequence++)
        {
            for (var t = 0; t < length; t++)
            {
                var step = canvas.Input(sequence, t);
                random.FillBits(step[..Bits]);
                step[Bits] = (random.NextSingle() * 2) - 1;
                order[t] = (-step[Bits], t);
            }

            Array.Sort(order);
            for (var t = 0; t < wanted; t++)
            {
                canvas.Input(sequence, order[t].Place)[..Bits].CopyTo(canvas.Want(sequence, length + t));
            }
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => BinaryOutput.WrongBits(logits, batch);

    private int WantedOf(int length) => (int)Math.Max(1, (long)length * Wanted / MaxLength);
}
