using System.Data.Common;
using System.Globalization;
using Dapper;

namespace NtmLab.Runs.Store;

/// <summary>The tables of a store. A store of an older version is brought up to date; a newer one is left alone.</summary>
internal static class StoreSchema
{
    /// <summary>
    /// What makes each version of the one before it, the first of nothing. What was released is never changed; a new version is a new
    /// entry. <c>{key}</c> and <c>{ordered}</c> are what the engine has for them.
    /// </summary>
    public static IReadOnlyList<string> Migrations { get; } =
    [
        """
        CREATE TABLE runs (
            key {key},
            id TEXT NOT NULL UNIQUE,
            host TEXT NOT NULL,
            directory TEXT NOT NULL,
            name TEXT NOT NULL,
            task TEXT NOT NULL,
            model TEXT NOT NULL,
            seed TEXT NOT NULL,
            status TEXT NOT NULL,
            started BIGINT NOT NULL,
            record TEXT NOT NULL,
            record_stamp TEXT NOT NULL,
            script TEXT,
            metrics_read BIGINT NOT NULL DEFAULT 0,
            last_batch BIGINT NOT NULL DEFAULT 0,
            last_seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
            evaluations_stamp TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX runs_by_name ON runs (name);
        CREATE TABLE metrics (
            run BIGINT NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
            batch BIGINT NOT NULL,
            sequences BIGINT NOT NULL,
            length BIGINT NOT NULL,
            loss DOUBLE PRECISION NOT NULL,
            score DOUBLE PRECISION NOT NULL,
            window_score DOUBLE PRECISION NOT NULL,
            seconds DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (run, batch)
        ){ordered};
        CREATE TABLE evaluations (
            run BIGINT NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
            sequences BIGINT NOT NULL,
            length BIGINT NOT NULL,
            score DOUBLE PRECISION NOT NULL,
            perfect_fraction DOUBLE PRECISION NOT NULL,
            slots_used DOUBLE PRECISION,
            PRIMARY KEY (run, sequences, length)
        ){ordered};
        """,
    ];

    /// <summary>Makes the tables, or brings them up to the newest version.</summary>
    /// <param name="engine">The database.</param>
    /// <param name="migrations">All versions.</param>
    /// <exception cref="RunException">The store was written by a newer version of this program.</exception>
    /// <exception cref="DbException">The database cannot be used.</exception>
    public static void Prepare(StoreEngine engine, IReadOnlyList<string> migrations)
    {
        using var connection = engine.Open();
        if (VersionOf(connection) is { } known && Check(engine, known, migrations) == migrations.Count)
        {
            return;
        }

        using var transaction = engine.BeginWriting(connection);
        engine.HoldSchema(connection, transaction);
        connection.Execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)", transaction: transaction);
        var version = connection.ExecuteScalar<int>("SELECT COALESCE(MAX(version), 0) FROM schema_version", transaction: transaction);
        for (var next = Check(engine, version, migrations); next < migrations.Count; next++)
        {
            connection.Execute(For(engine, migrations[next]), transaction: transaction);
        }

        connection.Execute(
            "DELETE FROM schema_version; INSERT INTO schema_version (version) VALUES (@version)",
            new { version = migrations.Count },
            transaction);
        transaction.Commit();
    }

    /// <summary>The version of the tables; null where there are none, which costs a failed query on a new store only.</summary>
    private static int? VersionOf(DbConnection connection)
    {
        try
        {
            return connection.ExecuteScalar<int?>("SELECT MAX(version) FROM schema_version");
        }
        catch (DbException)
        {
            // Whatever else is wrong is found, and told, when the tables are made.
            return null;
        }
    }

    private static int Check(StoreEngine engine, int version, IReadOnlyList<string> migrations) =>
        version <= migrations.Count
            ? version
            : throw new RunException(string.Create(
                CultureInfo.InvariantCulture,
                $"{engine.Place}: is a store of version {version}, written by a newer NtmLab; this one knows version {migrations.Count} and older."));

    private static string For(StoreEngine engine, string migration) => migration
        .Replace("{key}", engine.KeyColumn, StringComparison.Ordinal)
        .Replace("{ordered}", engine.OrderedByKey, StringComparison.Ordinal);
}
