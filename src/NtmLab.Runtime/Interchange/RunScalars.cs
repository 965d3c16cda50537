using System.Globalization;
using NtmLab.Configuration;
using NtmLab.Runs;
using NtmLab.Training;

namespace NtmLab.Interchange;

/// <summary>
/// The numbers of a run's training as scalars that TensorBoard shows, one event file in a folder of the run's name. Steps count
/// sequences; times are those of a training at one sitting that began when the run was made. Tags, with a length in place of N:
/// <code>
/// training/loss, score, windowScore, length, learningRate
/// evaluation/score/N, perfectFraction/N, slotsUsed/N
/// final/score/N, perfectFraction/N, slotsUsed/N
/// </code>
/// </summary>
public static class RunScalars
{
    /// <summary>What a row of metrics is placed by, in the names of its JSON.</summary>
    private static readonly string[] Axes = ["batch", "sequences", "seconds"];

    /// <summary>Where a run's event file is within a folder that TensorBoard is started with.</summary>
    /// <param name="folder">The folder of all runs' event files.</param>
    /// <param name="record">The run's record.</param>
    public static string FileOf(string folder, RunRecord record) => Path.Combine(
        folder,
        record.Id,
        string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{record.Started.ToUnixTimeSeconds()}.ntmlab"));

    /// <summary>Writes the event file of a run.</summary>
    /// <param name="numbers">The run's numbers.</param>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <exception cref="RunException">The run has no metrics, or the file cannot be written.</exception>
    public static void Export(RunNumbers numbers, string path)
    {
        var (record, rows) = (numbers.Record, numbers.Required().Metrics);
        var training = ConfigurationJson.ReadTraining(record.Configuration);
        var scores = numbers.Scores().GroupBy(row => (row.Final, row.Sequences));
        var evaluations = new Queue<IGrouping<(bool Final, long Sequences), ScoreRow>>(scores);
        AtomicFile.Write(path, stream =>
        {
            var events = new EventFile(stream);
            events.Begin(record.Started);
            var seconds = 0.0;
            foreach (var row in rows)
            {
                seconds = row.Seconds;
                events.Add(record.Started.AddSeconds(seconds), row.Sequences, Scalars(row, training));
                while (evaluations.TryPeek(out var next) && !next.Key.Final && next.Key.Sequences <= row.Sequences)
                {
                    Add(events, record.Started.AddSeconds(seconds), evaluations.Dequeue());
                }
            }

            foreach (var rest in evaluations)
            {
                Add(events, record.Started.AddSeconds(seconds), rest);
            }
        });
    }

    private static void Add(
        EventFile events, DateTimeOffset time, IGrouping<(bool Final, long Sequences), ScoreRow> evaluation) =>
        events.Add(time, evaluation.Key.Sequences, evaluation.SelectMany(Scalars));

    private static IEnumerable<(string Tag, double Value)> Scalars(BatchReport row, TrainingOptions training)
    {
        foreach (var column in TableColumn<BatchReport>.All.Where(column => !Axes.Contains(column.Name)))
        {
            yield return ($"training/{column.Name}", Convert.ToDouble(column.Value(row), CultureInfo.InvariantCulture));
        }

        var fraction = training.Schedule.Fraction(row.Sequences, training.Sequences);
        yield return ("training/learningRate", training.Optimiser.LearningRate * fraction);
    }

    private static IEnumerable<(string Tag, double Value)> Scalars(ScoreRow row)
    {
        var group = row.Final ? "final" : "evaluation";
        yield return ($"{group}/score/{row.Length}", row.Score);
        yield return ($"{group}/perfectFraction/{row.Length}", row.PerfectFraction);
        if (row.SlotsUsed is { } used)
        {
            yield return ($"{group}/slotsUsed/{row.Length}", used);
        }
    }
}
