using NtmLab.Runs;
using NtmLab.Training;

namespace NtmLab.Interchange;

/// <summary>
/// The numbers of a run's training as two tables for other programs: its metrics, a row for each batch, and its evaluations, a row
/// for each length of each evaluation, the last of them the one after the training. Columns have the names of the run's own JSON.
/// </summary>
public static class RunTables
{
    /// <summary>The file of the evaluations beside that of the metrics: <c>a.csv</c> has <c>a-evaluations.csv</c>.</summary>
    /// <param name="path">The file of the metrics.</param>
    public static string EvaluationsBeside(string path) => Path.Combine(
        Path.GetDirectoryName(path) ?? "",
        $"{Path.GetFileNameWithoutExtension(path)}-evaluations{Path.GetExtension(path)}");

    /// <summary>Writes both tables; rows are read and written one block at a time.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <param name="path">The file of the metrics; <see cref="EvaluationsBeside"/> names the other. Older ones are replaced.</param>
    /// <param name="format"><see cref="ExportFormat.Parquet"/> or <see cref="ExportFormat.Csv"/>.</param>
    /// <exception cref="RunException">There is no such run, it has no metrics, or a file cannot be written.</exception>
    public static void Export(string directory, string path, ExportFormat format)
    {
        var record = RunFolder.ReadRecord(directory);
        Write(path, format, Metrics(directory));
        Write(EvaluationsBeside(path), format, Evaluations(directory, record));
    }

    /// <summary>The metrics of a run.</summary>
    /// <exception cref="RunException">It has none.</exception>
    internal static IEnumerable<BatchReport> Metrics(string directory)
    {
        var rows = MetricsRows.Stream<BatchReport>(RunFolder.MetricsOf(directory));
        return rows.Any()
            ? rows
            : throw new RunException(
                $"{directory}: has no metrics; runs have them from their first second of training, imported ones never.");
    }

    /// <summary>The evaluations of a run during its training, then the one after it.</summary>
    internal static IEnumerable<ScoreRow> Evaluations(string directory, RunRecord record) =>
        MetricsRows.Stream<EvaluationRow>(RunFolder.EvaluationsOf(directory))
            .SelectMany(row => row.Scores.Select(score => Row(row.Sequences, score, final: false)))
            .Concat(record.Evaluation.Select(score => Row(record.Sequences, score, final: true)));

    private static ScoreRow Row(long sequences, LengthScore score, bool final) =>
        new(sequences, score.Length, score.Score, score.PerfectFraction, score.SlotsUsed, final);

    private static void Write<T>(string path, ExportFormat format, IEnumerable<T> rows) => AtomicFile.Write(path, stream =>
    {
        if (format == ExportFormat.Parquet)
        {
            ParquetFile.Write(stream, rows);
        }
        else
        {
            CsvFile.Write(stream, rows);
        }
    });
}
