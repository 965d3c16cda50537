using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Selective copy (Jing et al. 2019, there called denoising; Gu and Dao 2023, arXiv 2312.00752, section 3.1): see T steps of
/// which L, at random places, are random symbols and all others noise, then answer with the symbols in order during L blanks.
/// With L = 3 symbols of an alphabet of 4 and T = 7, where 0 is the blank and 5 the noise:
/// <code>
/// input    5 2 5 5 4 1 5 0 0 0
/// target   . . . . . . . 2 4 1
/// mask     . . . . . . . 1 1 1
/// </code>
/// Since the places vary, no fixed delay solves it: what a model remembers has to depend on what it sees. All sequences of a
/// batch have the same T, which is the task's length and includes the symbols; Gu and Dao have 16 symbols in 4096 steps, and 16
/// tokens. Score: wrong symbols per sequence; without memory, guessing each, L (1 - 1 / alphabet).
/// </summary>
[CatalogName("selective-copy", "Repeat symbols that were scattered among noise, in order (Gu and Dao 2023).")]
public sealed record SelectiveCopyTask : SequenceTask
{
    /// <summary>How many different symbols there are.</summary>
    public int Alphabet { get; init; } = 8;

    /// <summary>Symbols to be remembered, L.</summary>
    public int Symbols { get; init; } = 10;

    /// <summary>The shortest training context T, in steps.</summary>
    public int MinLength { get; init; } = 100;

    /// <summary>The longest training context T, in steps.</summary>
    public int MaxLength { get; init; } = 100;

    private int Noise => Alphabet + 1;

    /// <inheritdoc/>
    public override int InputWidth() => 1;

    /// <inheritdoc/>
    public override int InputTokens() => Alphabet + 2;

    /// <inheritdoc/>
    public override string InputName(int channel) => channel == Noise ? "noise" : OutputName(channel);

    /// <inheritdoc/>
    public override int OutputWidth() => Alphabet + 1;

    /// <inheritdoc/>
    public override string OutputName(int channel) => channel == 0 ? "blank" : $"symbol {channel}";

    /// <inheritdoc/>
    public override TaskOutput Output() => new TokenOutput(OutputWidth());

    /// <inheritdoc/>
    public override string ScoreName() => "wrong symbols";

    /// <inheritdoc/>
    public override LengthRange Possible() => new(Symbols, LengthLimit);

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLength, MaxLength);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) =>
        new(Symbols * Math.Log2(Alphabet), Symbols * (1 - (1.0 / Alphabet)));

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.Between("task.alphabet", Alphabet, 2, LengthLimit);
        Require.Between("task.symbols", Symbols, 1, LengthLimit);
        if (MinLength < Symbols)
        {
            throw new ConfigurationException(
                $"task.minLength: {MinLength} is not allowed with {Symbols} task.symbols; {Symbols} or more, "
                + "one step a symbol, is.");
        }

        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength($"length with {Symbols} task.symbols", length);
        var canvas = NewCanvas(batch, (long)length + Symbols, 1);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            Fill(random, canvas.Inputs(sequence)[..length], canvas.Want(sequence, length, Symbols));
        }

        return canvas.ToTokenBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) =>
        new TokenOutput(OutputWidth()).WrongTokens(logits, batch);

    /// <summary>
    /// Fills one sequence. Every choice of places is equally likely, since each step holds a symbol with the chance of symbols
    /// left to steps left (Knuth, The Art of Computer Programming, section 3.4.2, algorithm S).
    /// </summary>
    private void Fill(RandomStream random, Span<float> context, Span<float> answer)
    {
        var seen = 0;
        for (var t = 0; t < context.Length; t++)
        {
            if (random.Next(context.Length - t) < answer.Length - seen)
            {
                answer[seen++] = context[t] = 1 + random.Next(Alphabet);
            }
            else
            {
                context[t] = Noise;
            }
        }
    }
}
