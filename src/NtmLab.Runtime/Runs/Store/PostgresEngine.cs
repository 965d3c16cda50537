using System.Data.Common;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using NtmLab.Training;

namespace NtmLab.Runs.Store;

/// <summary>A PostgreSQL database that several machines share; its tables are in the schema <c>ntmlab</c>.</summary>
internal sealed class PostgresEngine : StoreEngine
{
    /// <summary>The schema of all tables.</summary>
    public const string Schema = "ntmlab";

    /// <summary>Any number that no other program is likely to lock by.</summary>
    private const long SchemaLock = 0x4e746d4c6162;

    private const int SecondsToConnect = 5;
    private readonly NpgsqlDataSource _source;

    /// <summary>Names a database.</summary>
    /// <param name="address">Where it is, as Npgsql writes it: <c>Host=...;Database=...;Username=...</c>.</param>
    /// <exception cref="ConfigurationException">It is not such an address.</exception>
    public PostgresEngine(string address)
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(address);
        }
        catch (Exception fault) when (fault is ArgumentException or FormatException)
        {
            // The fault's own words may hold the password.
            throw Unknown();
        }

        if (string.IsNullOrEmpty(builder.Host))
        {
            throw Unknown();
        }

        builder.SearchPath = Schema;
        if (!builder.ContainsKey("Timeout") || builder.Timeout > SecondsToConnect)
        {
            builder.Timeout = SecondsToConnect;
        }

        Place = $"PostgreSQL at {builder.Host}:{builder.Port}, database '{builder.Database ?? builder.Username}'";
        _source = NpgsqlDataSource.Create(builder);
    }

    /// <inheritdoc/>
    public override string Place { get; }

    /// <inheritdoc/>
    public override string Remedy => $"{StoreAddress.Variable} says which database is meant";

    /// <inheritdoc/>
    public override bool MirrorsFolder => false;

    /// <inheritdoc/>
    public override string KeyColumn => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";

    /// <inheritdoc/>
    public override string OrderedByKey => "";

    /// <inheritdoc/>
    public override string Held => " FOR UPDATE";

    /// <inheritdoc/>
    public override DbConnection Open() => _source.OpenConnection();

    /// <inheritdoc/>
    public override DbTransaction BeginWriting(DbConnection connection) => connection.BeginTransaction();

    /// <inheritdoc/>
    public override void HoldSchema(DbConnection connection, DbTransaction transaction) => connection.Execute(
        $"SELECT pg_advisory_xact_lock({SchemaLock}); CREATE SCHEMA IF NOT EXISTS {Schema}", transaction: transaction);

    /// <inheritdoc/>
    public override void Insert(DbConnection connection, DbTransaction transaction, long run, IReadOnlyList<BatchReport> rows)
    {
        using var copy = ((NpgsqlConnection)connection).BeginBinaryImport(
            "COPY metrics (run, batch, sequences, length, loss, score, window_score, seconds) FROM STDIN (FORMAT BINARY)");
        foreach (var row in rows)
        {
            copy.StartRow();
            copy.Write(run, NpgsqlDbType.Bigint);
            copy.Write(row.Batch, NpgsqlDbType.Bigint);
            copy.Write(row.Sequences, NpgsqlDbType.Bigint);
            copy.Write((long)row.Length, NpgsqlDbType.Bigint);
            copy.Write(row.Loss, NpgsqlDbType.Double);
            copy.Write(row.Score, NpgsqlDbType.Double);
            copy.Write(row.WindowScore, NpgsqlDbType.Double);
            copy.Write(row.Seconds, NpgsqlDbType.Double);
        }

        copy.Complete();
    }

    /// <inheritdoc/>
    public override string Explain(DbException fault) => fault switch
    {
        PostgresException server => server.MessageText.TrimEnd('.'),
        { InnerException: { } cause } => $"it cannot be reached ({cause.Message.TrimEnd('.')})",
        _ => fault.Message.TrimEnd('.'),
    };

    /// <inheritdoc/>
    public override void Dispose() => _source.Dispose();

    private static ConfigurationException Unknown() => new(
        $"{StoreAddress.Variable}: is not the address of a store; {StoreAddress.Accepted}.");
}
