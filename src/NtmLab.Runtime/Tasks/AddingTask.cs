using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Adding (Hochreiter and Schmidhuber 1997, experiment 4): see T pairs of a value uniform in [0, 1) and a marker, exactly two of
/// them marked, and answer with the sum of the two marked values in the last step. With T = 6:
/// <code>
/// input   value    .5 .3 .9 .1 .7 .2        target  . . . . . .4
///         marker    .  1  .  1  .  .        mask    . . . . .  1
/// </code>
/// The variant is that of Arjovsky, Shah, Bengio (2016, arXiv 1511.06464), since later papers compare by it: one marker lies
/// anywhere in the first half of the steps, the other anywhere in the second; of an odd number of steps the second half is the
/// longer. The original draws values from [-1, 1], marks one of the first ten pairs and one of the first half, flags the first
/// and the last step, and scales the sum. All sequences of a batch have the same T, which is the task's length; Arjovsky et al.
/// have T from 100 to 750. Score: squared error; without memory, always answering 1, it is 1/6. A sequence is perfect if its
/// error is below 0.04 either way: the original's criterion, whose target comes to half the sum, so that this is stricter.
/// </summary>
[CatalogName("adding", "Add two marked values of a long sequence of random ones (Hochreiter and Schmidhuber 1997).")]
public sealed record AddingTask : SequenceTask
{
    private const double PerfectError = 0.04;

    /// <summary>The shortest training sequence T, in steps.</summary>
    public int MinLength { get; init; } = 100;

    /// <summary>The longest training sequence T, in steps.</summary>
    public int MaxLength { get; init; } = 100;

    /// <inheritdoc/>
    public override int InputWidth() => 2;

    /// <inheritdoc/>
    public override string InputName(int channel) => channel == 0 ? "value" : "marker";

    /// <inheritdoc/>
    public override int OutputWidth() => 1;

    /// <inheritdoc/>
    public override string OutputName(int channel) => "sum";

    /// <inheritdoc/>
    public override TaskOutput Output() => new RealOutput();

    /// <inheritdoc/>
    public override string ScoreName() => "squared error";

    /// <inheritdoc/>
    public override LengthRange Possible() => new(2, LengthLimit);

    /// <inheritdoc/>
    public override LengthRange Lengths() => new(MinLength, MaxLength);

    /// <inheritdoc/>
    public override TaskReference Baseline(int length) => new(1 / 6.0, 1 / 6.0);

    /// <inheritdoc/>
    public override bool IsPerfect(float score) => score < PerfectError * PerfectError;

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("task.minLength", MinLength, 2);
        Require.Between("task.maxLength", MaxLength, MinLength, LengthLimit);
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length)
    {
        RequireLength("length", length);
        var canvas = NewCanvas(batch, length, 1);
        for (var sequence = 0; sequence < batch; sequence++)
        {
            var steps = canvas.Inputs(sequence);
            for (var value = 0; value < steps.Length; value += 2)
            {
                steps[value] = random.NextSingle();
            }

            var first = 2 * random.Next(length / 2);
            var second = 2 * random.Next(length / 2, length);
            steps[first + 1] = 1;
            steps[second + 1] = 1;
            canvas.Want(sequence, length - 1)[0] = steps[first] + steps[second];
        }

        return canvas.ToBatch(length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => RealOutput.SquaredError(logits, batch);
}
