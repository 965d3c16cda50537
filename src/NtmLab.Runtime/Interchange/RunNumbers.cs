using NtmLab.Runs;
using NtmLab.Training;

namespace NtmLab.Interchange;

/// <summary>The numbers of a run's training, wherever they are read from.</summary>
/// <param name="Record">The run's record.</param>
/// <param name="Metrics">Its metrics, in order; may be read anew each time they are gone through.</param>
/// <param name="Evaluations">Its evaluations while it was trained, in order.</param>
public sealed record RunNumbers(
    RunRecord Record, IEnumerable<BatchReport> Metrics, IReadOnlyList<EvaluationRow> Evaluations)
{
    /// <summary>The numbers of a run as a source has them.</summary>
    /// <param name="source">The source.</param>
    /// <param name="record">The run's record.</param>
    /// <exception cref="RunException">They cannot be read.</exception>
    public static RunNumbers Of(IRunSource source, RunRecord record) =>
        new(record, source.Metrics(record.Id), source.Evaluations(record.Id));

    /// <summary>The numbers of a run in its folder; metrics are read one block at a time.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <exception cref="RunException">There is no such run.</exception>
    public static RunNumbers In(string directory) => new(
        RunFolder.ReadRecord(directory),
        MetricsRows.Stream<BatchReport>(RunFolder.MetricsOf(directory)),
        MetricsRows.Read<EvaluationRow>(RunFolder.EvaluationsOf(directory)));

    /// <summary>The same, if there are metrics.</summary>
    /// <exception cref="RunException">There are none.</exception>
    internal RunNumbers Required() => Metrics.Any()
        ? this
        : throw new RunException(
            $"{Record.Id}: has no metrics; runs have them from their first second of training, imported ones never.");

    /// <summary>The evaluations of a run during its training, then the one after it, a row for each length.</summary>
    internal IEnumerable<ScoreRow> Scores() => Evaluations
        .SelectMany(row => row.Scores.Select(score => Row(row.Sequences, score, final: false)))
        .Concat(Record.Evaluation.Select(score => Row(Record.Sequences, score, final: true)));

    private static ScoreRow Row(long sequences, LengthScore score, bool final) =>
        new(sequences, score.Length, score.Score, score.PerfectFraction, score.SlotsUsed, final);
}
