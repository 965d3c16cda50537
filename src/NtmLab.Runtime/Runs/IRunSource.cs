using NtmLab.Training;

namespace NtmLab.Runs;

/// <summary>Finds and reads runs, those that go on included. May be used by several threads.</summary>
public interface IRunSource : IDisposable
{
    /// <summary>All runs, newest first.</summary>
    /// <exception cref="RunException">They cannot be read.</exception>
    IReadOnlyList<KnownRun> List();

    /// <summary>A run by its id; null if there is none.</summary>
    /// <param name="id">The run's id.</param>
    /// <exception cref="RunException">It cannot be read.</exception>
    KnownRun? Find(string id);

    /// <summary>The rows of a run's metrics, in order; none if there is no such run.</summary>
    /// <param name="id">The run's id.</param>
    /// <param name="after">Only rows of later batches than this one.</param>
    /// <exception cref="RunException">They cannot be read.</exception>
    IReadOnlyList<BatchReport> Metrics(string id, long after = 0);

    /// <summary>
    /// The learning curve of a run by at most so many rows, evenly spread over its batches, the first and the last among them; each
    /// stands for the batches up to it, with the means of their losses and scores.
    /// </summary>
    /// <param name="id">The run's id.</param>
    /// <param name="rows">The most rows, 2 or more.</param>
    /// <exception cref="RunException">They cannot be read.</exception>
    IReadOnlyList<BatchReport> Curve(string id, int rows);

    /// <summary>A run's evaluations while it was trained, in order; none if there is no such run.</summary>
    /// <param name="id">The run's id.</param>
    /// <exception cref="RunException">They cannot be read.</exception>
    IReadOnlyList<EvaluationRow> Evaluations(string id);

    /// <summary>A run's script as it was when the run was made; null if it is not there.</summary>
    /// <param name="id">The run's id.</param>
    /// <exception cref="RunException">It cannot be read.</exception>
    string? Script(string id);
}

/// <summary>A run as a source knows it.</summary>
/// <param name="Record">Its record.</param>
/// <param name="Directory">Its folder; null where that lies on another machine.</param>
public sealed record KnownRun(RunRecord Record, string? Directory)
{
    /// <summary>Its folder.</summary>
    /// <exception cref="RunException">That lies on another machine.</exception>
    public string RequiredDirectory => Directory ?? throw new RunException(
        $"{Record.Id}: its folder lies on another machine; its numbers are in the store, all else is there.");
}
