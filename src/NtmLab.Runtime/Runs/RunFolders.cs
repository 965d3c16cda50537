using NtmLab.Training;

namespace NtmLab.Runs;

/// <summary>The runs of one folder, read from the files of each.</summary>
/// <param name="runs">The folder that holds all runs.</param>
public sealed class RunFolders(string runs) : IRunSource
{
    /// <inheritdoc/>
    public IReadOnlyList<KnownRun> List() =>
        [.. RunFolder.List(runs).Select(run => new KnownRun(run.Record, run.Directory))];

    /// <inheritdoc/>
    public KnownRun? Find(string id) =>
        DirectoryOf(id) is { } directory ? new KnownRun(RunFolder.ReadRecord(directory), directory) : null;

    /// <inheritdoc/>
    public IReadOnlyList<BatchReport> Metrics(string id, long after = 0) =>
        DirectoryOf(id) is { } directory
            ? [.. MetricsRows.Stream<BatchReport>(RunFolder.MetricsOf(directory)).Where(row => row.Batch > after)]
            : [];

    /// <inheritdoc/>
    public IReadOnlyList<BatchReport> Curve(string id, int rows) => LearningCurve.Of(Metrics(id), rows);

    /// <inheritdoc/>
    public IReadOnlyList<EvaluationRow> Evaluations(string id) =>
        DirectoryOf(id) is { } directory ? MetricsRows.Read<EvaluationRow>(RunFolder.EvaluationsOf(directory)) : [];

    /// <inheritdoc/>
    public string? Script(string id) =>
        DirectoryOf(id) is { } directory && File.Exists(RunFolder.ScriptOf(directory))
            ? File.ReadAllText(RunFolder.ScriptOf(directory))
            : null;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>The folder of a run; an id is one name, so that no path leads out of the folder of runs.</summary>
    private string? DirectoryOf(string id)
    {
        if (id.Length == 0 || id.StartsWith('.') || id.IndexOfAny(['/', '\\', '\0']) >= 0)
        {
            return null;
        }

        var directory = Path.Combine(Path.GetFullPath(runs), id);
        return RunFolder.IsRun(directory) ? directory : null;
    }
}
