using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Dapper;
using NtmLab.Configuration;

namespace NtmLab.Runs.Store;

/// <summary>Brings what the folders of runs hold into a store.</summary>
/// <param name="engine">The store's database.</param>
/// <param name="runs">The full path of the folder that holds all runs.</param>
/// <param name="host">The machine that the folder lies on; empty where the store belongs to the folder, wherever that lies.</param>
internal sealed class StoreIntake(StoreEngine engine, string runs, string host)
{
    /// <summary>Rows of one transaction, so that others come to write in between.</summary>
    private const int RowsAtOnce = 20_000;

    /// <summary>Takes in the records of all runs of the folder, and lets go of those that are gone from it.</summary>
    /// <returns>A sentence for each run that could not be taken in.</returns>
    /// <exception cref="RunException">The store cannot be written.</exception>
    public IReadOnlyList<string> TakeAll()
    {
        var refused = new List<string>();
        var known = Known();
        var found = new HashSet<string>();
        var directories = Directory.Exists(runs) ? Directory.EnumerateDirectories(runs) : [];
        foreach (var directory in directories.Where(RunFolder.IsRun).Order())
        {
            found.Add(Path.GetFileName(directory));
            try
            {
                if (known.GetValueOrDefault(Path.GetFileName(directory)) != Stamp(RunFolder.RecordOf(directory)))
                {
                    TakeRecord(directory);
                }
            }
            catch (RunException fault)
            {
                refused.Add(fault.Message);
            }
        }

        if (engine.MirrorsFolder)
        {
            Forget(known.Keys.Where(id => !found.Contains(id)));
        }

        return refused;
    }

    /// <summary>Takes in what is new of one run: its record, metrics and evaluations.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <returns>The rows of metrics that were new.</returns>
    /// <exception cref="RunException">There is no such run, the store has another of its id, or cannot be written.</exception>
    public long Take(string directory)
    {
        var run = TakeRecord(directory);
        TakeEvaluations(run, directory);
        var rows = 0L;
        for (var taken = RowsAtOnce; taken == RowsAtOnce; rows += taken)
        {
            taken = TakeMetrics(run, directory);
        }

        return rows;
    }

    /// <summary>Whether an id is free for a new run; it is that run's from then on.</summary>
    /// <param name="record">The new run's record.</param>
    /// <exception cref="RunException">The store cannot be written.</exception>
    public bool Reserve(RunRecord record)
    {
        using var connection = engine.Open();
        return Insert(connection, null, record, stamp: "", script: null) == 1;
    }

    private static string Stamp(string file)
    {
        var info = new FileInfo(file);
        return info.Exists
            ? string.Create(CultureInfo.InvariantCulture, $"{info.LastWriteTimeUtc.Ticks}-{info.Length}")
            : "";
    }

    private static string Text(RunRecord record) => JsonSerializer.Serialize(record, ConfigurationJson.Options);

    /// <summary>What the records of this folder's runs were when they were taken in, by id.</summary>
    private Dictionary<string, string> Known()
    {
        using var connection = engine.Open();
        return connection
            .Query<StampedRun>("SELECT id, directory, record_stamp AS stamp FROM runs WHERE host = @host", new { host })
            .Where(row => engine.MirrorsFolder || row.Directory == Path.Combine(runs, row.Id))
            .ToDictionary(row => row.Id, row => row.Stamp);
    }

    /// <summary>Removes runs from the store, and gives how many there were.</summary>
    /// <param name="ids">The runs' ids.</param>
    public int Forget(IEnumerable<string> ids)
    {
        using var connection = engine.Open();
        return ids.Sum(id => connection.Execute("DELETE FROM runs WHERE id = @id", new { id }));
    }

    /// <summary>Takes in a run's record, and gives the run's number.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <exception cref="RunException">There is no such run, the store has another of its id, or cannot be written.</exception>
    public long TakeRecord(string directory)
    {
        directory = Path.GetFullPath(directory);
        // Before the record is read: one that is written in between is taken in the next time.
        var stamp = Stamp(RunFolder.RecordOf(directory));
        using var connection = engine.Open();
        var id = Path.GetFileName(directory);
        var known = connection.QuerySingleOrDefault<RunState>(
            "SELECT key, record_stamp AS stamp, host, directory FROM runs WHERE id = @id", new { id });
        if (known is not null && known.Stamp == stamp && IsHere(known, directory))
        {
            return known.Key;
        }

        var record = RunFolder.ReadRecord(directory);
        if (record.Id != id)
        {
            throw new RunException(
                $"{directory}: holds the run '{record.Id}', a folder of that name would; as a copy it is left out of the store.");
        }

        var script = File.Exists(RunFolder.ScriptOf(directory)) ? File.ReadAllText(RunFolder.ScriptOf(directory)) : null;
        using var transaction = engine.BeginWriting(connection);
        if (Insert(connection, transaction, record, stamp, script) == 0)
        {
            var started = connection.ExecuteScalar<long>("SELECT started FROM runs WHERE id = @id", new { id }, transaction);
            if (started != record.Started.UtcTicks)
            {
                throw new RunException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{directory}: {engine.Place} has another run '{id}', of {new DateTime(started, DateTimeKind.Utc):u}; this one is kept in its folder alone."));
            }

            connection.Execute(
                """
                UPDATE runs SET host = @host, directory = @directory, name = @name, status = @status,
                                record = @text, record_stamp = @stamp, script = @script
                WHERE id = @id
                """,
                new
                {
                    id,
                    host,
                    directory,
                    name = record.Name,
                    status = Status(record),
                    text = Text(record),
                    stamp,
                    script,
                },
                transaction);
        }

        var key = connection.ExecuteScalar<long>("SELECT key FROM runs WHERE id = @id", new { id }, transaction);
        transaction.Commit();
        return key;
    }

    private bool IsHere(RunState known, string directory) =>
        engine.MirrorsFolder || (known.Host == host && known.Directory == directory);

    /// <summary>Adds a run unless there is one of its id; gives how many were added.</summary>
    private int Insert(DbConnection connection, DbTransaction? transaction, RunRecord record, string stamp, string? script) =>
        connection.Execute(
            """
            INSERT INTO runs (id, host, directory, name, task, model, seed, status, started, record, record_stamp, script)
            VALUES (@id, @host, @directory, @name, @task, @model, @seed, @status, @started, @text, @stamp, @script)
            ON CONFLICT (id) DO NOTHING
            """,
            new
            {
                id = record.Id,
                host,
                directory = Path.Combine(runs, record.Id),
                name = record.Name,
                task = record.Task,
                model = record.Model,
                seed = record.Seed.ToString(CultureInfo.InvariantCulture),
                status = Status(record),
                started = record.Started.UtcTicks,
                text = Text(record),
                stamp,
                script,
            },
            transaction);

    private static string Status(RunRecord record) => record.Status.ToString().ToLowerInvariant();

    private void TakeEvaluations(long run, string directory)
    {
        var file = RunFolder.EvaluationsOf(directory);
        var stamp = Stamp(file);
        using var connection = engine.Open();
        if (connection.ExecuteScalar<string>("SELECT evaluations_stamp FROM runs WHERE key = @run", new { run }) == stamp)
        {
            return;
        }

        var rows = MetricsRows.Read<EvaluationRow>(file)
            .SelectMany(row => row.Scores.Select(score => new
            {
                run,
                sequences = row.Sequences,
                length = score.Length,
                score = score.Score,
                perfect = score.PerfectFraction,
                slots = score.SlotsUsed,
            }))
            .DistinctBy(row => (row.sequences, row.length));
        using var transaction = engine.BeginWriting(connection);
        connection.Execute($"SELECT key FROM runs WHERE key = @run{engine.Held}", new { run }, transaction);
        connection.Execute("DELETE FROM evaluations WHERE run = @run", new { run }, transaction);
        connection.Execute(
            """
            INSERT INTO evaluations (run, sequences, length, score, perfect_fraction, slots_used)
            VALUES (@run, @sequences, @length, @score, @perfect, @slots)
            """,
            rows,
            transaction);
        connection.Execute("UPDATE runs SET evaluations_stamp = @stamp WHERE key = @run", new { run, stamp }, transaction);
        transaction.Commit();
    }

    /// <summary>Takes in the next new rows of a run's metrics, and gives how many there were.</summary>
    private int TakeMetrics(long run, string directory)
    {
        var file = RunFolder.MetricsOf(directory);
        using var connection = engine.Open();
        var query = "SELECT metrics_read AS Read, last_batch AS Batch, last_seconds AS Seconds FROM runs WHERE key = @run";
        var known = connection.QuerySingle<ReadSoFar>(query, new { run });
        var length = File.Exists(file) ? new FileInfo(file).Length : 0;
        if (known.Read == length && MetricsTail.Continues(file, known.Read, known.Batch, known.Seconds))
        {
            return 0;
        }

        using var transaction = engine.BeginWriting(connection);
        known = connection.QuerySingle<ReadSoFar>(query + engine.Held, new { run }, transaction);
        if (!MetricsTail.Continues(file, known.Read, known.Batch, known.Seconds))
        {
            connection.Execute("DELETE FROM metrics WHERE run = @run", new { run }, transaction);
            known = new ReadSoFar(0, 0, 0);
        }

        var (rows, read) = MetricsTail.Read(file, known.Read, RowsAtOnce);
        if (rows.Count > 0)
        {
            engine.Insert(connection, transaction, run, rows);
            known = new ReadSoFar(read, rows[^1].Batch, rows[^1].Seconds);
        }

        connection.Execute(
            "UPDATE runs SET metrics_read = @read, last_batch = @batch, last_seconds = @seconds WHERE key = @run",
            new { run, read = known.Read, batch = known.Batch, seconds = known.Seconds },
            transaction);
        transaction.Commit();
        return rows.Count;
    }

    private sealed record RunState(long Key, string Stamp, string Host, string Directory);

    private sealed record StampedRun(string Id, string Directory, string Stamp);

    private sealed record ReadSoFar(long Read, long Batch, double Seconds);
}
