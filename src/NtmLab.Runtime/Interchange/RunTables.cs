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
    /// <param name="numbers">The run's numbers.</param>
    /// <param name="path">The file of the metrics; <see cref="EvaluationsBeside"/> names the other. Older ones are replaced.</param>
    /// <param name="format"><see cref="ExportFormat.Parquet"/> or <see cref="ExportFormat.Csv"/>.</param>
    /// <exception cref="RunException">The run has no metrics, or a file cannot be written.</exception>
    public static void Export(RunNumbers numbers, string path, ExportFormat format)
    {
        Write(path, format, numbers.Required().Metrics);
        Write(EvaluationsBeside(path), format, numbers.Scores());
    }

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
