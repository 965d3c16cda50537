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

    /// <summary>Records of one transaction.</summary>
    private const int RunsAtOnce = 200;

    /// <summary>Takes in the records of all runs of the folder, and lets go of those that are gone from it.</summary>
    /// <returns>A sentence for each run that could not be taken in.</returns>
    /// <exception cref="RunException">The store cannot be written.</exception>
    public IReadOnlyList<string> TakeAll()
    {
        var refused = new List<string>();
        var known = Known();
        string[] directories = Directory.Exists(runs)
            ? [.. Directory.EnumerateDirectories(runs).Where(RunFolder.IsRun).Order()]
            : [];
        var changed = directories.Where(
            directory => known.GetValueOrDefault(Path.GetFileName(directory)) != StampOf(RunFolder.RecordOf(directory)));
        foreach (var some in changed.Chunk(RunsAtOnce))
        {
            using var connection = engine.Open();
            using var transaction = engine.BeginWriting(connection);
            foreach (var directory in some)
            {
                try
                {
                    Put(connection, transaction, RunOnDisk.Read(directory));
                }
                catch (RunException fault)
                {
                    refused.Add(fault.Message);
                }
            }

            transaction.Commit();
        }

        if (engine.MirrorsFolder)
        {
            Forget(known.Keys.Except(directories.Select(directory => Path.GetFileName(directory))));
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

    private static string StampOf(string file)
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
        using var connection = engine.Open();
        var id = Path.GetFileName(directory);
        var known = connection.QuerySingleOrDefault<RunState>(
            "SELECT key, record_stamp AS stamp, host, directory FROM runs WHERE id = @id", new { id });
        if (known is not null
            && known.Stamp == StampOf(RunFolder.RecordOf(directory))
            && (engine.MirrorsFolder || (known.Host == host && known.Directory == directory)))
        {
            return known.Key;
        }

        var run = RunOnDisk.Read(directory);
        using var transaction = engine.BeginWriting(connection);
        var key = Put(connection, transaction, run);
        transaction.Commit();
        return key;
    }

    /// <summary>Adds a run, or brings it up to date, and gives its number.</summary>
    private long Put(DbConnection connection, DbTransaction transaction, RunOnDisk run)
    {
        var record = run.Record;
        if (Insert(connection, transaction, record, run.Stamp, run.Script) == 0)
        {
            var started = connection.ExecuteScalar<long>("SELECT started FROM runs WHERE id = @Id", new { record.Id }, transaction);
            if (started != record.Started.UtcTicks)
            {
                throw new RunException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run.Directory}: {engine.Place} has another run '{record.Id}', of {new DateTime(started, DateTimeKind.Utc):u}; this one is kept in its folder alone."));
            }

            connection.Execute(
                """
                UPDATE runs SET host = @host, directory = @Directory, name = @Name, status = @status,
                                record = @text, record_stamp = @Stamp, script = @Script
                WHERE id = @Id
                """,
                new { record.Id, host, run.Directory, record.Name, status = Status(record), text = Text(record), run.Stamp, run.Script },
                transaction);
        }

        return connection.ExecuteScalar<long>("SELECT key FROM runs WHERE id = @Id", new { record.Id }, transaction);
    }

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
        var stamp = StampOf(file);
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

    /// <summary>A run as it lies in its folder.</summary>
    private sealed record RunOnDisk(string Directory, string Stamp, RunRecord Record, string? Script)
    {
        public static RunOnDisk Read(string directory)
        {
            // Before the record is read: one that is written in between is taken in the next time.
            var stamp = StampOf(RunFolder.RecordOf(directory));
            var record = RunFolder.ReadRecord(directory);
            if (record.Id != Path.GetFileName(directory))
            {
                throw new RunException(
                    $"{directory}: holds the run '{record.Id}', a folder of that name would; as a copy it is left out of the store.");
            }

            var script = RunFolder.ScriptOf(directory);
            return new RunOnDisk(directory, stamp, record, File.Exists(script) ? File.ReadAllText(script) : null);
        }
    }

    private sealed record RunState(long Key, string Stamp, string Host, string Directory);

    private sealed record StampedRun(string Id, string Directory, string Stamp);

    private sealed record ReadSoFar(long Read, long Batch, double Seconds);
}
