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
        RunFolder.Of(runs, id) is { } directory ? new KnownRun(RunFolder.ReadRecord(directory), directory) : null;

    /// <inheritdoc/>
    public IReadOnlyList<BatchReport> Metrics(string id, long after = 0) =>
        RunFolder.Of(runs, id) is { } directory
            ? [.. MetricsRows.Stream<BatchReport>(RunFolder.MetricsOf(directory)).Where(row => row.Batch > after)]
            : [];

    /// <inheritdoc/>
    public IReadOnlyList<BatchReport> Curve(string id, int rows) => LearningCurve.Of(Metrics(id), rows);

    /// <inheritdoc/>
    public IReadOnlyList<EvaluationRow> Evaluations(string id) =>
        RunFolder.Of(runs, id) is { } directory ? MetricsRows.Read<EvaluationRow>(RunFolder.EvaluationsOf(directory)) : [];

    /// <inheritdoc/>
    public string? Script(string id) =>
        RunFolder.Of(runs, id) is { } directory && File.Exists(RunFolder.ScriptOf(directory))
            ? File.ReadAllText(RunFolder.ScriptOf(directory))
            : null;

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
