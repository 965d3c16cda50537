namespace NtmLab.Data;

/// <summary>Splits data into what is trained on and what is kept from training.</summary>
internal static class SequenceSplit
{
    /// <summary>
    /// Splits by the column that says so; else sequences are drawn. Windows are not drawn one by one, since neighbours resemble
    /// and may overlap each other: the validation part is one stretch of the table at a drawn place, and the training part is
    /// cut from the rows before and after it, so that the parts have no row in common.
    /// </summary>
    /// <param name="source">How to split; the same seed gives the same split.</param>
    /// <param name="runs">The table's runs of rows.</param>
    /// <exception cref="DataException">There is less than a sequence for each part.</exception>
    public static (SequencePart Training, SequencePart Validation) Split(SequenceSource source, IReadOnlyList<RowRun> runs)
    {
        var stride = source.Stride == 0 ? source.Window : source.Stride;
        var random = new RandomStream(source.Seed, "validation");
        var marked = source.Split.Length > 0
            ? runs
            : source.Window > 0 ? DrawStretch(source, runs[^1].First + runs[^1].Count, stride, random)
            : DrawRuns(source, runs, random);
        SequencePart Part(bool isValidation)
        {
            var part = marked.Where(run => run.IsValidation == isValidation && run.Count >= source.Window);
            return new SequencePart(part.ToArray(), source.Window, stride);
        }

        var (training, validation) = (Part(isValidation: false), Part(isValidation: true));
        if (training.Count == 0 || validation.Count == 0)
        {
            var part = training.Count == 0 ? "train" : "validation";
            throw DataFile.Fault(source.Path, $"column '{source.Split}': leaves no sequence for '{part}'; one or more is wanted");
        }

        return (training, validation);
    }

    /// <summary>Draws sequences without replacement (the first steps of Fisher and Yates's shuffle).</summary>
    private static RowRun[] DrawRuns(SequenceSource source, IReadOnlyList<RowRun> runs, RandomStream random)
    {
        if (runs.Count < 2)
        {
            throw DataFile.Fault(source.Path, "holds one sequence; two or more are wanted, to train on and to validate on");
        }

        var order = Enumerable.Range(0, runs.Count).ToArray();
        var marked = runs.ToArray();
        var count = (int)Math.Clamp(Math.Round(source.Validation * runs.Count), 1, runs.Count - 1);
        for (var i = 0; i < count; i++)
        {
            var place = random.Next(i, runs.Count);
            (order[i], order[place]) = (order[place], order[i]);
            marked[order[i]] = marked[order[i]] with { IsValidation = true };
        }

        return marked;
    }

    private static RowRun[] DrawStretch(SequenceSource source, long rows, int stride, RandomStream random)
    {
        long window = source.Window;
        if (rows < 2 * window)
        {
            throw DataFile.Fault(
                source.Path, $"holds {rows} rows, too few for two windows of {window}, one to train on and one to validate on");
        }

        // As many windows as asked for, as long as one window is left for training on one side at least.
        var most = ((rows - (2 * window)) / stride) + 1;
        var wanted = Math.Round(source.Validation * SequencePart.Windows(rows, source.Window, stride));
        var count = (long)Math.Clamp(wanted, 1, most);
        var length = ((count - 1) * stride) + window;
        var places = ((rows - length) / stride) + 1;
        var leaveAfter = rows - length < window ? 0 : ((rows - length - window) / stride) + 1;
        var leaveBefore = Math.Max(0, places - ((window + stride - 1) / stride));

        // Places that leave a window after the stretch come first, those that leave one before it come last.
        var allowed = Math.Min(places, leaveAfter + leaveBefore);
        var place = random.NextInt64(allowed);
        var first = stride * (place < leaveAfter ? place : places - allowed + place);
        return
        [
            new RowRun(0, first),
            new RowRun(first, length, IsValidation: true),
            new RowRun(first + length, rows - first - length),
        ];
    }
}
