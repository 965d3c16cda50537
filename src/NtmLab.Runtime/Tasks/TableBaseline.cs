namespace NtmLab.Tasks;

/// <summary>
/// A predictor that knows nothing but how targets are distributed: their mean, how frequent each class is, how often a bit is 1. It
/// learns from all sequences, is then judged on them, and says what it reached.
/// </summary>
/// <param name="kind">What the targets are.</param>
/// <param name="width">Targets in each step.</param>
/// <param name="classes">The number of classes, where targets are classes.</param>
internal sealed class TableBaseline(TableTargets kind, int width, int classes)
{
    private readonly double[] _sums = new double[kind == TableTargets.Classes ? classes : width];
    private long _steps;
    private long _sequences;
    private double _loss;
    private double _score;

    /// <summary>Takes in the targets of a sequence, <c>[step, target]</c>.</summary>
    public void Learn(ReadOnlySpan<float> targets)
    {
        for (var i = 0; i < targets.Length; i++)
        {
            _sums[kind == TableTargets.Classes ? (int)targets[i] : i % width] += kind == TableTargets.Classes ? 1 : targets[i];
        }

        _steps += targets.Length / width;
    }

    /// <summary>Predicts the targets of a sequence, <c>[step, target]</c>.</summary>
    public void Judge(ReadOnlySpan<float> targets)
    {
        var (loss, errors, likeliest) = (0.0, 0.0, Array.IndexOf(_sums, _sums.Max()));
        for (var i = 0; i < targets.Length; i++)
        {
            var mean = _sums[kind == TableTargets.Classes ? (int)targets[i] : i % width] / _steps;
            var square = (targets[i] - mean) * (targets[i] - mean);
            loss += kind switch
            {
                TableTargets.SquaredError => square,
                TableTargets.Bits => -Math.Log2(targets[i] > 0 ? mean : 1 - mean),
                _ => -Math.Log2(mean),
            };
            errors += kind switch
            {
                TableTargets.SquaredError => square,
                TableTargets.Bits => (mean > 0.5) == (targets[i] > 0) ? 0 : 1,
                _ => (int)targets[i] == likeliest ? 0 : 1,
            };
        }

        _sequences++;
        _loss += loss;
        _score += kind == TableTargets.Bits ? errors : errors / targets.Length;
    }

    /// <summary>Loss per sequence, in bits or squares, and score, both averaged over the sequences judged.</summary>
    public TaskReference Reached() => new(_loss / _sequences, _score / _sequences);
}
