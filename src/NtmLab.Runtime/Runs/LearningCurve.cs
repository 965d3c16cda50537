using NtmLab.Training;

namespace NtmLab.Runs;

/// <summary>Long metrics as short curves.</summary>
public static class LearningCurve
{
    /// <summary>Rows evenly spread over the batches, the first and the last among them: see <see cref="IRunSource.Curve"/>.</summary>
    /// <param name="metrics">All rows, in order.</param>
    /// <param name="rows">The most rows, 2 or more.</param>
    public static IReadOnlyList<BatchReport> Of(IReadOnlyList<BatchReport> metrics, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 2);
        if (metrics.Count <= rows)
        {
            return metrics;
        }

        var curve = new BatchReport[rows];
        curve[0] = metrics[0];
        for (var row = 1; row < rows; row++)
        {
            var first = End(row - 1);
            var count = End(row) - first;
            var (loss, score) = (0.0, 0.0);
            for (var i = first; i < first + count; i++)
            {
                loss += metrics[i].Loss;
                score += metrics[i].Score;
            }

            curve[row] = metrics[first + count - 1] with { Loss = loss / count, Score = score / count };
        }

        return curve;

        // Rows before this index are told of by the curve up to its given row; the first row stands for itself.
        int End(int row) => 1 + (int)((long)row * (metrics.Count - 1) / (rows - 1));
    }
}
