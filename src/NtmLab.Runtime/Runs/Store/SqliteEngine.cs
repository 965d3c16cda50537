using System.Data;
using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using NtmLab.Native;
using NtmLab.Training;

namespace NtmLab.Runs.Store;

/// <summary>One file beside the runs, which any number of processes of this machine read while one writes (write-ahead log).</summary>
internal sealed class SqliteEngine : StoreEngine
{
    /// <summary>The file's name in a folder of runs.</summary>
    public const string FileName = "ntmlab.db";

    private const int SecondsToWait = 5;
    private readonly string _file;
    private readonly string _connection;

    /// <summary>Names the store of a folder of runs.</summary>
    /// <param name="runs">The folder.</param>
    public SqliteEngine(string runs)
    {
        NativeFiles.Serve();
        _file = Path.Combine(Path.GetFullPath(runs), FileName);
        _connection = new SqliteConnectionStringBuilder
        {
            DataSource = _file,
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = SecondsToWait,
            ForeignKeys = true,
        }.ToString();
    }

    /// <inheritdoc/>
    public override string Place => _file;

    /// <inheritdoc/>
    public override string Remedy => $"once nobody uses it, '{FileName}' may be removed: it is made anew from the folders of the runs";

    /// <inheritdoc/>
    public override bool MirrorsFolder => true;

    /// <inheritdoc/>
    public override string KeyColumn => "INTEGER PRIMARY KEY";

    /// <inheritdoc/>
    public override string OrderedByKey => " WITHOUT ROWID";

    /// <inheritdoc/>
    public override string Held => "";

    /// <inheritdoc/>
    public override DbConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        try
        {
            connection.Open();
            // What a crash of the machine takes from the end of the log is read again from the folders.
            connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override DbTransaction BeginWriting(DbConnection connection) =>
        ((SqliteConnection)connection).BeginTransaction(IsolationLevel.Serializable, deferred: false);

    /// <inheritdoc/>
    public override void HoldSchema(DbConnection connection, DbTransaction transaction)
    {
        // One transaction writes at a time.
    }

    /// <inheritdoc/>
    public override void Insert(DbConnection connection, DbTransaction transaction, long run, IReadOnlyList<BatchReport> rows)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText =
            """
            INSERT INTO metrics (run, batch, sequences, length, loss, score, window_score, seconds)
            VALUES ($run, $batch, $sequences, $length, $loss, $score, $window_score, $seconds)
            """;
        Add("$run", run);
        var batch = Add("$batch", 0L);
        var sequences = Add("$sequences", 0L);
        var length = Add("$length", 0);
        var loss = Add("$loss", 0.0);
        var score = Add("$score", 0.0);
        var window = Add("$window_score", 0.0);
        var seconds = Add("$seconds", 0.0);
        command.Prepare();
        foreach (var row in rows)
        {
            batch.Value = row.Batch;
            sequences.Value = row.Sequences;
            length.Value = row.Length;
            loss.Value = row.Loss;
            score.Value = row.Score;
            window.Value = row.WindowScore;
            seconds.Value = row.Seconds;
            command.ExecuteNonQuery();
        }

        DbParameter Add(string name, object value)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
            return parameter;
        }
    }

    /// <inheritdoc/>
    public override string Explain(DbException fault) => (fault as SqliteException)?.SqliteErrorCode switch
    {
        SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED => $"another program has locked it for {SecondsToWait} seconds",
        SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT => "it is damaged, or not a store of runs",
        SQLitePCL.raw.SQLITE_FULL => "the disk is full",
        SQLitePCL.raw.SQLITE_CANTOPEN or SQLitePCL.raw.SQLITE_READONLY or SQLitePCL.raw.SQLITE_PERM => "it cannot be written",
        _ => fault.Message.TrimEnd('.'),
    };

    /// <inheritdoc/>
    public override void Dispose()
    {
        using var connection = new SqliteConnection(_connection);
        SqliteConnection.ClearPool(connection);
    }
}
