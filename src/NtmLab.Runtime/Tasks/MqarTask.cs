using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Multi-query associative recall, MQAR (Arora et al. 2023, arXiv 2312.04927, drawn as by the authors' published generator):
/// see pairs of a key and its value, then every key once more among other tokens, and answer each with its value in that same
/// step. With 2 pairs, a vocabulary of 12, length 14, and blanks as fillers:
/// <code>
/// input    2 8 4 7 0 0 4 0 0 0 0 0 2 0
/// target   . . . . . . 7 . . . . . 8 .
/// mask     . . . . . . 1 . . . . . 1 .
/// </code>
/// Token 0 is the blank, the others of the lower half are keys, the upper half are values; neither come twice among the pairs.
/// After the K pairs, every second step is a place g = 1, 2, ... for a query. Pair by pair, each query takes a place that is
/// still free with a chance proportional to g^(a-1): a = 1 makes all places equally likely, a near 0 makes most gaps short.
/// Between the queries are fillers, by default random tokens, of which some look like keys; they do not count. The task's length
/// is the number of steps. The paper has a vocabulary of 8192, a = 0.01, and 4 to 64 pairs in 64 to 512 steps; the defaults here
/// are what a processor trains in minutes. Score: the fraction of wrong values; without memory 1 - 2 / vocabulary.
/// </summary>
[CatalogName("mqar", "Recall the values of many keys, each when it comes again (Arora et al. 2023).")]
public sealed record MqarTask : SequenceTask
{
    /// <summary>A pair takes two steps, and its query one of two.</summary>
    private const int StepsPerPair = 4;

    /// <summary>How many tokens there are.</summary>
    public int Vocabulary { get; init; } = 256;

    /// <summary>Pairs of a key and a value, K.</summary>
    public int Pairs { get; init; } = 8;

    /// <summary>The power law of the gaps, a.</summary>
    public double PowerLaw { get; init; } = 0.01;

    /// <summary>What stands between the queries.</summary>
    public Fillers Fillers { get; init; }

    /// <summary>The shortest training sequence, in steps.</summary>
    public int MinLength { get; init; } = 64;

    /// <summary>The longest training sequence, in steps.</summary>
    public int MaxLength { get; init; } = 64;

    private int FirstValue => Vocabulary / 2;

    /// <inheritdoc/>
    public override int InputWidth() => 1;

    /// <inheritdoc/>
    public override int InputTokens() => Vocabulary;

    /// <inheritdoc/>
    public override string InputName(int channel) =>
        channel == 0 ? "blank" : channel < FirstValue ? $"key {channel}" : $"value {channel}";

    /// <inheritdoc/>
    public override int OutputWidth() => Vocabulary;

    /// <inheritdoc/>
    public override string OutputName(int channel) => InputName(channel);

    /// <inheritdoc/>
    public override TaskOutput Output() => new TokenOutput(Vocabulary);

    /// <inheritdoc/>
    public override string ScoreName() => "wrong values";

    /// <inheritdoc/>
    public override LengthRange Possible() => new(StepsPerPair * Pairs, LengthLimit);

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLength, MaxLength);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length)
    {
        var values = Vocabulary - FirstValue;
        return new(Pairs * Math.Log2(values), 1 - (1.0 / values));
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.Between("task.vocabulary", Vocabulary, 4, LengthLimit);
        Require.Between("task.pairs", Pairs, 1, LengthLimit / StepsPerPair);
        if (Pairs >= FirstValue)
        {
            throw new ConfigurationException(
                $"task.pairs: {Pairs} is not allowed with {Vocabulary} task.vocabulary; at most {FirstValue - 1}, one a key, is.");
        }

        Require.Positive("task.powerLaw", PowerLaw);
        if (MinLength < StepsPerPair * Pairs)
        {
            throw new ConfigurationException(
                $"task.minLength: {MinLength} is not allowed with {Pairs} task.pairs; {StepsPerPair * Pairs} or more, "
                + "four steps a pair, is.");
        }

        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength($"length with {Pairs} task.pairs", length);
        var canvas = NewCanvas(batch, length, 1);
        var chances = new double[(length / 2) - Pairs];
        for (var i = 0; i < chances.Length; i++)
        {
            chances[i] = Math.Pow(i + 1, PowerLaw - 1);
        }

        for (var sequence = 0; sequence < batch; sequence++)
        {
            Fill(random, chances, canvas, sequence);
        }

        return canvas.ToTokenBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) =>
        new TokenOutput(Vocabulary).WrongFraction(logits, batch);

    /// <summary>Fills one sequence.</summary>
    /// <param name="random">The batch's stream.</param>
    /// <param name="chances">How likely each place of a query is, up to a factor.</param>
    /// <param name="canvas">The batch.</param>
    /// <param name="sequence">The sequence's index.</param>
    private void Fill(RandomStream random, ReadOnlySpan<double> chances, BatchCanvas canvas, int sequence)
    {
        var steps = canvas.Inputs(sequence);
        var key = 0;
        foreach (var number in random.Different(Pairs, FirstValue - 1))
        {
            steps[key] = 1 + number;
            key += 2;
        }

        var value = 1;
        foreach (var number in random.Different(Pairs, Vocabulary - FirstValue))
        {
            steps[value] = FirstValue + number;
            value += 2;
        }

        if (Fillers == Fillers.Tokens)
        {
            foreach (ref var filler in steps[(2 * Pairs)..])
            {
                filler = random.Next(Vocabulary);
            }
        }

        var places = DrawPlaces(random, chances);
        for (var pair = 0; pair < Pairs; pair++)
        {
            var query = 2 * (Pairs + places[pair]);
            steps[query] = steps[2 * pair];
            canvas.Want(sequence, query)[0] = steps[(2 * pair) + 1];
        }
    }

    /// <summary>
    /// All places, one after the other drawn by their chances among those that are left: the order in which independent clocks
    /// ring whose times are exponential with the chances as rates (Efraimidis and Spirakis 2006).
    /// </summary>
    private static int[] DrawPlaces(RandomStream random, ReadOnlySpan<double> chances)
    {
        var times = new double[chances.Length];
        var places = new int[chances.Length];
        for (var i = 0; i < times.Length; i++)
        {
            times[i] = -Math.Log(1 - random.NextDouble()) / chances[i];
            places[i] = i;
        }

        Array.Sort(times, places);
        return places;
    }
}

/// <summary>What stands between the queries of <see cref="MqarTask"/>.</summary>
public enum Fillers
{
    /// <summary>Random tokens, each as likely as any other.</summary>
    Tokens,

    /// <summary>Blanks.</summary>
    Blank,
}
