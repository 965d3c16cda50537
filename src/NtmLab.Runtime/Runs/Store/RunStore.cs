using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using NtmLab.Configuration;
using NtmLab.Training;

namespace NtmLab.Runs.Store;

/// <summary>
/// Runs in a database: SQLite beside the folders of the runs, or a PostgreSQL database that several machines share. Every run is
/// written to its folder first and taken into the store from there (<see cref="Take"/>), at most a second later while it goes
/// on, so that the store never knows more than the folder, and is brought up to date or made anew from the folders at any time.
/// </summary>
public sealed class RunStore : IRunSource
{
    private readonly string _runs;
    private readonly StoreEngine _engine;
    private readonly StoreIntake _intake;
    private readonly string _host;
    private readonly Action<string> _say;
    private readonly ConcurrentDictionary<string, bool> _said = new();
    private readonly ConcurrentDictionary<string, (string Stamp, RunRecord Record)> _records = new();

    private RunStore(string runs, StoreEngine engine, Action<string> say)
    {
        _runs = Path.GetFullPath(runs);
        _engine = engine;
        _host = engine.MirrorsFolder ? "" : Environment.MachineName;
        _say = say;
        _intake = new StoreIntake(engine, _runs, _host);
    }

    /// <summary>What the store is called in a sentence: a file, or a server without its password.</summary>
    public string Place => _engine.Place;

    /// <summary>Opens the store of a folder of runs, and makes or updates its tables; null where folders alone are wanted.</summary>
    /// <param name="runs">The folder that holds all runs.</param>
    /// <param name="address">Where the store is; null for a file beside the runs. See <see cref="StoreAddress"/>.</param>
    /// <param name="say">Told once of each run of the folder that cannot be taken in, in a sentence.</param>
    /// <exception cref="ConfigurationException">The address is none.</exception>
    /// <exception cref="RunException">The store cannot be opened, or a newer version wrote it.</exception>
    public static RunStore? Open(string runs, string? address, Action<string> say) =>
        Open(runs, address, say, StoreSchema.Migrations);

    internal static RunStore? Open(string runs, string? address, Action<string> say, IReadOnlyList<string> migrations)
    {
        if (StoreAddress.EngineOf(runs, address) is not { } engine)
        {
            return null;
        }

        var store = new RunStore(runs, engine, say);
        try
        {
            return engine.Guard(() =>
            {
                StoreSchema.Prepare(engine, migrations);
                return store;
            });
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Takes in what is new of one run: its record, metrics and evaluations.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <returns>The rows of metrics that were new.</returns>
    /// <exception cref="RunException">There is no such run, the store has another of its id, or cannot be written.</exception>
    public long Take(string directory) => _engine.Guard(() => _intake.Take(directory));

    /// <summary>Removes runs from the store, with all that it has of them; their folders are left alone.</summary>
    /// <param name="ids">The runs' ids.</param>
    /// <exception cref="RunException">The store cannot be written.</exception>
    public void Forget(IEnumerable<string> ids) => _engine.Guard(() => _intake.Forget(ids));

    /// <summary>Whether an id is free for a new run; it is that run's from then on.</summary>
    /// <param name="record">The new run's record.</param>
    /// <exception cref="RunException">The store cannot be written.</exception>
    public bool Reserve(RunRecord record) => _engine.Guard(() => _intake.Reserve(record));

    /// <inheritdoc/>
    public IReadOnlyList<KnownRun> List() => _engine.Guard(() =>
    {
        foreach (var refusal in _intake.TakeAll().Where(refusal => _said.TryAdd(refusal, true)))
        {
            _say(refusal);
        }

        using var connection = _engine.Open();
        var rows = connection.Query<RunRow>(
            "SELECT id, host, directory, record_stamp AS stamp FROM runs ORDER BY started DESC, id DESC").AsList();
        if (rows.Any(row => Read(row) is null))
        {
            foreach (var (id, stamp, record) in connection.Query<StampedRecord>("SELECT id, record_stamp AS stamp, record FROM runs"))
            {
                if (!_records.TryGetValue(id, out var known) || known.Stamp != stamp)
                {
                    _records[id] = (stamp, Parse(record));
                }
            }
        }

        return rows.Select(row => (Row: row, Record: Read(row))).Where(run => run.Record is not null)
            .Select(run => Known(run.Row, run.Record!))
            .ToArray();
    });

    /// <inheritdoc/>
    public KnownRun? Find(string id) => _engine.Guard(() =>
    {
        if (!RunFolder.IsId(id))
        {
            return null;
        }

        if (RunFolder.Of(_runs, id) is { } directory)
        {
            _intake.TakeRecord(directory);
        }

        using var connection = _engine.Open();
        var row = connection.QuerySingleOrDefault<RunRow>(
            "SELECT id, host, directory, record_stamp AS stamp FROM runs WHERE id = @id", new { id });
        return row is null
            ? null
            : Known(row, Read(row) ?? Parse(connection.ExecuteScalar<string>("SELECT record FROM runs WHERE id = @id", new { id })!));
    });

    /// <inheritdoc/>
    public IReadOnlyList<BatchReport> Metrics(string id, long after = 0) => _engine.Guard<IReadOnlyList<BatchReport>>(() =>
    {
        if (!BringUpToDate(id))
        {
            return [];
        }

        using var connection = _engine.Open();
        using var reader = connection.ExecuteReader(
            """
            SELECT batch, sequences, length, loss, score, window_score, seconds FROM metrics
            WHERE run = (SELECT key FROM runs WHERE id = @id) AND batch > @after ORDER BY batch
            """,
            new { id, after });
        var rows = new List<BatchReport>();
        while (reader.Read())
        {
            rows.Add(new BatchReport(
                reader.GetInt64(0),
                reader.GetInt64(1),
                (int)reader.GetInt64(2),
                reader.GetDouble(3),
                reader.GetDouble(4),
                reader.GetDouble(5),
                reader.GetDouble(6)));
        }

        return rows;
    });

    /// <inheritdoc/>
    public IReadOnlyList<BatchReport> Curve(string id, int rows) => LearningCurve.Of(Metrics(id), rows);

    /// <inheritdoc/>
    public IReadOnlyList<EvaluationRow> Evaluations(string id) => _engine.Guard<IReadOnlyList<EvaluationRow>>(() =>
    {
        if (!BringUpToDate(id))
        {
            return [];
        }

        using var connection = _engine.Open();
        return connection.Query<ScoreRow>(
            """
            SELECT sequences AS Sequences, length AS Length, score AS Score, perfect_fraction AS PerfectFraction, slots_used AS SlotsUsed
            FROM evaluations WHERE run = (SELECT key FROM runs WHERE id = @id) ORDER BY sequences, length
            """,
            new { id })
            .GroupBy(row => row.Sequences)
            .Select(rows => new EvaluationRow(
                rows.Key,
                [.. rows.Select(row => new LengthScore((int)row.Length, row.Score, row.PerfectFraction, row.SlotsUsed))]))
            .ToArray();
    });

    /// <inheritdoc/>
    public string? Script(string id) => _engine.Guard(() =>
    {
        if (!RunFolder.IsId(id))
        {
            return null;
        }

        using var connection = _engine.Open();
        return connection.ExecuteScalar<string?>("SELECT script FROM runs WHERE id = @id", new { id });
    });

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    private static RunRecord Parse(string text)
    {
        var record = JsonSerializer.Deserialize<RunRecord>(text, ConfigurationJson.Options)!;
        Unfold(record.Configuration);
        return record;
    }

    /// <summary>Makes a node safe for several threads, which read it at once: it makes its parts when they are first asked for.</summary>
    private static void Unfold(JsonNode? node)
    {
        IEnumerable<JsonNode?> parts = node switch
        {
            JsonObject entries => entries.Select(entry => entry.Value),
            JsonArray items => items,
            _ => [],
        };
        foreach (var part in parts)
        {
            Unfold(part);
        }
    }

    /// <summary>A record that was read before, if it is still the same.</summary>
    private RunRecord? Read(RunRow row) =>
        _records.TryGetValue(row.Id, out var known) && known.Stamp == row.Stamp ? known.Record : null;

    private KnownRun Known(RunRow row, RunRecord record)
    {
        var directory = _engine.MirrorsFolder ? Path.Combine(_runs, row.Id) : row.Directory;
        return new KnownRun(record, row.Host == _host && RunFolder.IsRun(directory) ? directory : null);
    }

    /// <summary>
    /// Takes in what is new of a run that lies here: it may have rows that nobody took in, since its process was killed or others wrote
    /// at the time. Gives whether the id can be one.
    /// </summary>
    private bool BringUpToDate(string id)
    {
        if (RunFolder.Of(_runs, id) is { } directory)
        {
            _intake.Take(directory);
        }

        return RunFolder.IsId(id);
    }

    private sealed record RunRow(string Id, string Host, string Directory, string Stamp);

    private sealed record StampedRecord(string Id, string Stamp, string Record);

    private sealed record ScoreRow(long Sequences, long Length, double Score, double PerfectFraction, double? SlotsUsed);
}
