using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Copy memory (Hochreiter and Schmidhuber 1997; here as in Arjovsky, Shah, Bengio 2016, arXiv 1511.06464): see some random
/// symbols, then T - 1 blanks and a go marker, and answer with the symbols in order during as many blanks. With 3 symbols of an
/// alphabet of 4 and T = 4, where 0 is the blank and 5 the marker:
/// <code>
/// input    2 4 1 0 0 0 5 0 0 0
/// target   0 0 0 0 0 0 0 2 4 1
/// mask     1 1 1 1 1 1 1 1 1 1
/// </code>
/// All steps count, so that a model also learns to keep silent. All sequences of a batch have the same lag T, which is the
/// task's length; Arjovsky et al. have T from 100 to 1000. Score: wrong symbols per sequence. Without memory all blanks can be
/// right, and the symbols are guessed: with the paper's 10 symbols of 8 that is a loss of 10 log2 8 = 30 bits a sequence, in
/// the paper's terms 10 ln 8 / (T + 20) nats a step.
/// </summary>
[CatalogName("copy-memory", "Repeat ten symbols after a long silence (Hochreiter and Schmidhuber 1997).")]
public sealed record CopyMemoryTask : SequenceTask
{
    /// <summary>How many different symbols there are.</summary>
    public int Alphabet { get; init; } = 8;

    /// <summary>Symbols to be remembered.</summary>
    public int Symbols { get; init; } = 10;

    /// <summary>The shortest training lag T, in steps.</summary>
    public int MinLag { get; init; } = 100;

    /// <summary>The longest training lag T, in steps.</summary>
    public int MaxLag { get; init; } = 100;

    private int Marker => Alphabet + 1;

    /// <inheritdoc/>
    public override int InputWidth() => 1;

    /// <inheritdoc/>
    public override int InputTokens() => Alphabet + 2;

    /// <inheritdoc/>
    public override string InputName(int channel) => channel == Marker ? "go" : OutputName(channel);

    /// <inheritdoc/>
    public override int OutputWidth() => Alphabet + 1;

    /// <inheritdoc/>
    public override string OutputName(int channel) => channel == 0 ? "blank" : $"symbol {channel}";

    /// <inheritdoc/>
    public override TaskOutput Output() => new TokenOutput(OutputWidth());

    /// <inheritdoc/>
    public override string ScoreName() => "wrong symbols";

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLag, MaxLag);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) =>
        new(Symbols * Math.Log2(Alphabet), Symbols * (1 - (1.0 / Alphabet)));

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.Between("task.alphabet", Alphabet, 2, LengthLimit);
        Require.Between("task.symbols", Symbols, 1, LengthLimit);
        Require.AtLeast("task.minLag", MinLag, 1);
        Require.Between("task.maxLag", MaxLag, MinLag, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("lag", length);
        var time = (2L * Symbols) + length;
        var canvas = NewCanvas(batch, time, 1);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            var steps = canvas.Inputs(sequence);
            var symbols = steps[..Symbols];
            foreach (ref var symbol in symbols)
            {
                symbol = 1 + random.Next(Alphabet);
            }

            steps[Symbols + length - 1] = Marker;
            symbols.CopyTo(canvas.Want(sequence, 0, (int)time)[^Symbols..]);
        }

        return canvas.ToTokenBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) =>
        new TokenOutput(OutputWidth()).WrongTokens(logits, batch);
}
