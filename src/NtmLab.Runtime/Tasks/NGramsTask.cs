using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Dynamic n-grams (Graves, Wayne, Danihelka 2014, section 4.4): every sequence has a table of its own with the probability of a 1
/// after each context of the n - 1 bits before, drawn from Beta(1/2, 1/2); see its bits one by one and predict the next one. The
/// first n - 1 bits are fair, and not to be predicted. With n = 3 and 7 bits, 0 1 1 0 1 1 0:
/// <code>
/// input   bit    0 1 1 0 1 1        target  next bit  . 1 0 1 1 0
///                                   mask              . 1 1 1 1 1
/// </code>
/// The task's length is the number of bits. No predictor does better on average than the Bayesian estimator for this prior,
/// P(1 | context) = (N1 + 1/2) / (N0 + N1 + 1) with the counts of zeros and ones that followed the context so far (Murphy 2012,
/// as cited there, equation 10). Score: excess bits, the bits by which a sequence's cross-entropy exceeds that estimator's on the
/// same sequence.
/// </summary>
[CatalogName("n-grams", "Predict the next bit of a source that has to be learned from the sequence itself (Graves et al. 2014).")]
public sealed record NGramsTask : SequenceTask
{
    /// <summary>Sequences over which the estimator's expected bits are averaged.</summary>
    private const int ReferenceSequences = 4000;

    /// <summary>Bits in an n-gram: the context and the bit that follows.</summary>
    public int Order { get; init; } = 6;

    /// <summary>The shortest training sequence, in bits.</summary>
    public int MinLength { get; init; } = 200;

    /// <summary>The longest training sequence, in bits.</summary>
    public int MaxLength { get; init; } = 200;

    private int Context => Order - 1;

    /// <summary>The first bit to be predicted: something was seen before it, however short the context.</summary>
    private int First => Math.Max(Context, 1);

    /// <inheritdoc/>
    public override int InputWidth() => 1;

    /// <inheritdoc/>
    public override string InputName(int channel) => "bit";

    /// <inheritdoc/>
    public override int OutputWidth() => 1;

    /// <inheritdoc/>
    public override string OutputName(int channel) => "next bit";

    /// <inheritdoc/>
    public override TaskOutput Output() => new BinaryOutput();

    /// <inheritdoc/>
    public override string ScoreName() => "excess bits";

    /// <inheritdoc/>
    public override LengthRange Possible() => new(Order + 1, LengthLimit);

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLength, MaxLength);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) => new(length - First, length - First - EstimatorBits(length));

    /// <inheritdoc/>
    public override TaskReference? Optimum(int length) => new TaskReference(EstimatorBits(length), 0);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.Between("task.order", Order, 1, 12);
        Require.AtLeast("task.minLength", MinLength, Order + 1);
        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("length", length);
        var canvas = NewCanvas(batch, length - 1L, 1);
        var bits = new float[length];
        for (var sequence = 0; sequence < batch; sequence++)
        {
            Draw(random, bits);
            bits.AsSpan(0, length - 1).CopyTo(canvas.Inputs(sequence));
            for (var t = First; t < length; t++)
            {
                canvas.Want(sequence, t - 1)[0] = bits[t];
            }
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        ReadOnlySpan<float> Plain(Tensor tensor) =>
            TensorMemory.Values(tensor.detach().cpu().to(ScalarType.Float32).contiguous());
        ReadOnlySpan<float> outputs = Plain(logits), inputs = Plain(batch.Input), targets = Plain(batch.Target), mask = Plain(batch.Mask);
        var scores = new float[logits.shape[0]];
        var time = outputs.Length / scores.Length;
        for (var i = 0; i < scores.Length; i++)
        {
            // A shorter sequence of a joined batch ends where nothing is wanted any more.
            var steps = mask.Slice(i * time, time).LastIndexOf(1f) + 1;
            var answers = outputs.Slice(i * time, steps);
            var wanted = targets.Slice(i * time, steps);
            var bits = 0.0;
            for (var t = First - 1; t < steps; t++)
            {
                bits += CrossEntropy(answers[t], wanted[t]);
            }

            scores[i] = (float)(bits - EstimatorBits(inputs.Slice(i * time, steps), wanted[^1]));
        }

        return scores;
    }

    /// <summary>The optimal estimator's bits on one sequence.</summary>
    /// <param name="bits">All bits but the last.</param>
    /// <param name="last">The last bit.</param>
    internal double EstimatorBits(ReadOnlySpan<float> bits, float last)
    {
        var counts = new int[2 << Context];
        var (context, sum) = (0, 0.0);
        for (var t = 0; t <= bits.Length; t++)
        {
            var bit = (t < bits.Length ? bits[t] : last) > 0.5f ? 1 : 0;
            if (t >= First)
            {
                var (zeros, ones) = (counts[2 * context], counts[(2 * context) + 1]);
                sum -= Math.Log2(((bit == 1 ? ones : zeros) + 0.5) / (zeros + ones + 1));
            }

            if (t >= Context)
            {
                counts[(2 * context) + bit]++;
            }

            context = ((context << 1) | bit) & ((1 << Context) - 1);
        }

        return sum;
    }

    /// <summary>The optimal estimator's bits on average, over sequences of a fixed stream.</summary>
    private double EstimatorBits(int length)
    {
        var random = new RandomStream(1, "n-grams reference");
        var bits = new float[length];
        var sum = 0.0;
        for (var i = 0; i < ReferenceSequences; i++)
        {
            Draw(random, bits);
            sum += EstimatorBits(bits.AsSpan(0, length - 1), bits[^1]);
        }

        return sum / ReferenceSequences;
    }

    /// <summary>Draws the table and the bits of one sequence.</summary>
    private void Draw(RandomStream random, Span<float> bits)
    {
        var table = new double[1 << Context];
        for (var i = 0; i < table.Length; i++)
        {
            // The arcsine distribution is Beta(1/2, 1/2).
            var sine = Math.Sin(Math.PI / 2 * random.NextDouble());
            table[i] = sine * sine;
        }

        random.FillBits(bits[..Context]);
        var context = 0;
        for (var t = 0; t < bits.Length; t++)
        {
            if (t >= Context)
            {
                bits[t] = random.NextDouble() < table[context] ? 1 : 0;
            }

            context = ((context << 1) | (int)bits[t]) & ((1 << Context) - 1);
        }
    }

    /// <summary>Bits of a logit for a bit: <c>log2(1 + e^-x)</c> for a 1, <c>log2(1 + e^x)</c> for a 0.</summary>
    private static double CrossEntropy(double logit, float bit)
    {
        var against = bit > 0.5f ? -logit : logit;
        return (Math.Max(against, 0) + Math.Log(1 + Math.Exp(-Math.Abs(against)))) / Math.Log(2);
    }
}
