using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>What a script's own task is: how a sequence looks, how it is filled in, and what counts.</summary>
public abstract class TaskRule
{
    /// <summary>Features of the input in each step.</summary>
    public abstract int InputWidth { get; }

    /// <summary>Logits wanted in each step.</summary>
    public abstract int OutputWidth { get; }

    /// <summary>What the logits mean; bits by default.</summary>
    public virtual TaskOutput Output => new BinaryOutput();

    /// <summary>The name of the score; less is better.</summary>
    public virtual string ScoreName => Output switch
    {
        TokenOutput => "wrong tokens",
        RealOutput => "squared error",
        _ => "wrong bits",
    };

    /// <summary>Steps of a sequence of a given length.</summary>
    public abstract int Steps(int length);

    /// <summary>Fills in one sequence of zeros: its inputs, and what is wanted of it.</summary>
    /// <param name="random">The batch's stream; the only source of chance.</param>
    /// <param name="canvas">The batch.</param>
    /// <param name="sequence">Which of its sequences.</param>
    /// <param name="length">The sequence's length.</param>
    public abstract void Fill(RandomStream random, BatchCanvas canvas, int sequence, int length);

    /// <summary>What a predictor reaches that remembers nothing of the input.</summary>
    /// <param name="length">The sequence's length.</param>
    public abstract TaskReference Baseline(int length);

    /// <summary>The score of each sequence; by default wrong bits, wrong tokens or the squared error, as the logits are meant.</summary>
    /// <param name="logits">The model's output, <c>[batch, time, out]</c>.</param>
    /// <param name="batch">The batch it was given.</param>
    public virtual float[] Score(Tensor logits, SequenceBatch batch) => Output switch
    {
        TokenOutput tokens => tokens.WrongTokens(logits, batch),
        RealOutput => RealOutput.SquaredError(logits, batch),
        _ => BinaryOutput.WrongBits(logits, batch),
    };
}

/// <summary>A task that a script defines itself, by a <see cref="TaskRule"/>; lengths can be set like those of any other.</summary>
public sealed record ScriptTask : SequenceTask
{
    /// <summary>What the task is; not part of what is written down, since the script says it.</summary>
    [JsonIgnore]
    public TaskRule? Rule { get; init; }

    /// <summary>The shortest training sequence.</summary>
    public int MinLength { get; init; } = 1;

    /// <summary>The longest training sequence.</summary>
    public int MaxLength { get; init; } = 20;

    private TaskRule Known => Rule ?? throw new ConfigurationException("task.rule: is missing; the script must give one.");

    /// <inheritdoc/>
    public override int InputWidth() => Known.InputWidth;

    /// <inheritdoc/>
    public override int OutputWidth() => Known.OutputWidth;

    /// <inheritdoc/>
    public override TaskOutput Output() => Known.Output;

    /// <inheritdoc/>
    public override string ScoreName() => Known.ScoreName;

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLength, MaxLength);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) => Known.Baseline(length);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("task.rule: inputWidth", Known.InputWidth, 1);
        Require.AtLeast("task.rule: outputWidth", Known.OutputWidth, 1);
        Require.AtLeast("task.minLength", MinLength, 1);
        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("length", length);
        var isToken = Output() is TokenOutput;
        var canvas = NewCanvas(batch, Known.Steps(length), isToken ? 1 : OutputWidth());
        for (var sequence = 0; sequence < batch; sequence++)
        {
            Known.Fill(random, canvas, sequence, length);
        }

        return isToken ? canvas.ToTokenBatch(length) : canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => Known.Score(logits, batch);

    /// <inheritdoc/>
    public override SequenceTask As(SequenceTask described) =>
        described is ScriptTask script ? this with { Rule = script.Rule } : this;
}
