namespace NtmLab.Runs.Store;

/// <summary>Which store keeps the runs: by default a file beside them.</summary>
public static class StoreAddress
{
    /// <summary>The variable of the environment that names another store than the file beside the runs.</summary>
    public const string Variable = "NTMLAB_STORE";

    /// <summary>The value of <see cref="Variable"/> for folders alone.</summary>
    public const string None = "none";

    /// <summary>What <see cref="Variable"/> may be, as a part of a sentence.</summary>
    public const string Accepted =
        "'Host=...;Database=...;Username=...' is one of PostgreSQL, 'none' is for folders alone, and unset for a file beside the runs";

    /// <summary>What the environment says; null where it says nothing.</summary>
    public static string? OfEnvironment =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } address ? address : null;

    /// <summary>The engine for an address; null for <see cref="None"/>.</summary>
    /// <param name="runs">The folder of runs.</param>
    /// <param name="address">The address; null for the file beside the runs.</param>
    /// <exception cref="ConfigurationException">It is not such an address.</exception>
    internal static StoreEngine? EngineOf(string runs, string? address) => address switch
    {
        null => new SqliteEngine(runs),
        None => null,
        _ => new PostgresEngine(address),
    };
}
