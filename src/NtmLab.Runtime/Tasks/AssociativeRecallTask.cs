using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Associative recall (Graves, Wayne, Danihelka 2014, section 4.3): see several items, each a few vectors of bits after a
/// delimiter, then one of them again between two query delimiters, and answer with the item that followed it. With items of one
/// vector of 2 bits, 3 of them, the second asked for:
/// <code>
/// input   bit 0  . 1 . 0 . 1 . 0 . .        target  bit 0  . . . . . . . . . 1
///         bit 1  . 0 . 1 . 1 . 1 . .                bit 1  . . . . . . . . . 1
///         item   1 . 1 . 1 . . . . .        mask           . . . . . . . . . 1
///         query  . . . . . . 1 . 1 .
/// </code>
/// The items of a sequence differ; each but the last is equally likely to be asked for. The task's length is the number of items,
/// the same for all sequences of a batch. Score: wrong bits per sequence.
/// </summary>
[CatalogName("associative-recall", "Name the item that followed a given one (Graves et al. 2014).")]
public sealed record AssociativeRecallTask : SequenceTask
{
    /// <summary>Bits in each vector.</summary>
    public int Bits { get; init; } = 6;

    /// <summary>Vectors in each item.</summary>
    public int Vectors { get; init; } = 3;

    /// <summary>The fewest items in training, 2 or more.</summary>
    public int MinItems { get; init; } = 2;

    /// <summary>The most items in training.</summary>
    public int MaxItems { get; init; } = 6;

    /// <inheritdoc/>
    public override int InputWidth() => Bits + 2;

    /// <inheritdoc/>
    public override string InputName(int channel) =>
        channel < Bits ? $"bit {channel}" : channel == Bits ? "item" : "query";

    /// <inheritdoc/>
    public override int OutputWidth() => Bits;

    /// <inheritdoc/>
    public override string OutputName(int channel) => $"bit {channel}";

    /// <inheritdoc/>
    public override TaskOutput Output() => new BinaryOutput();

    /// <inheritdoc/>
    public override string ScoreName() => "wrong bits";

    /// <inheritdoc/>
    public override LengthRange Possible() => new(2, LengthLimit);

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinItems, MaxItems);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) => new((double)Vectors * Bits, (double)Vectors * Bits / 2);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("task.bits", Bits, 1);
        Require.AtLeast("task.vectors", Vectors, 1);
        Require.AtLeast("task.minItems", MinItems, 2);
        Require.Between("task.maxItems", MaxItems, MinItems, LengthLimit);
        RequireDifferent("task.maxItems", MaxItems);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("items", length);
        RequireDifferent("task 'associative-recall': items", length);
        var query = length * (Vectors + 1L);
        var answer = query + Vectors + 2;
        var canvas = NewCanvas(batch, answer + Vectors, Bits);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            var items = DrawItems(random, length);
            for (var item = 0; item < length; item++)
            {
                canvas.Input(sequence, item * (Vectors + 1))[Bits] = 1;
                for (var t = 0; t < Vectors; t++)
                {
                    Vector(items[item], t).CopyTo(canvas.Input(sequence, (item * (Vectors + 1)) + 1 + t));
                }
            }

            var asked = random.Next(length - 1);
            canvas.Input(sequence, (int)query)[Bits + 1] = 1;
            canvas.Input(sequence, (int)answer - 1)[Bits + 1] = 1;
            for (var t = 0; t < Vectors; t++)
            {
                Vector(items[asked], t).CopyTo(canvas.Input(sequence, (int)query + 1 + t));
                Vector(items[asked + 1], t).CopyTo(canvas.Want(sequence, (int)answer + t));
            }
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => BinaryOutput.WrongBits(logits, batch);

    private ReadOnlySpan<float> Vector(float[] item, int t) => item.AsSpan(t * Bits, Bits);

    /// <summary>Different items, <c>[vector, bit]</c> each: one that was there before is drawn again.</summary>
    private float[][] DrawItems(RandomStream random, int count)
    {
        var items = new float[count][];
        for (var i = 0; i < count; i++)
        {
            items[i] = new float[Vectors * Bits];
            do
            {
                random.FillBits(items[i]);
            }
            while (IsAmong(items[i], items.AsSpan(0, i)));
        }

        return items;
    }

    private static bool IsAmong(float[] item, ReadOnlySpan<float[]> earlier)
    {
        foreach (var other in earlier)
        {
            if (item.AsSpan().SequenceEqual(other))
            {
                return true;
            }
        }

        return false;
    }

    private void RequireDifferent(string option, int items)
    {
        var bits = (long)Vectors * Bits;
        if (bits < 31 && items > 1L << (int)bits)
        {
            throw new ConfigurationException(
                $"{option}: {items} is not allowed with items of {bits} bits, of which {1L << (int)bits} differ; no more than these are.");
        }
    }
}
