using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace NtmLab.Runs;

/// <summary>Reads and rewinds the rows of a <see cref="MetricsLog{T}"/>.</summary>
public static class MetricsRows
{
    internal static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>All whole rows of a log, none if there is no file; a torn last line is ignored.</summary>
    /// <typeparam name="T">A row.</typeparam>
    /// <param name="path">The file.</param>
    public static IReadOnlyList<T> Read<T>(string path) => [.. Stream<T>(path)];

    /// <summary>The rows that <see cref="Read"/> gives, one after the other, of logs of any size.</summary>
    /// <typeparam name="T">A row.</typeparam>
    /// <param name="path">The file.</param>
    public static IEnumerable<T> Stream<T>(string path)
    {
        if (!File.Exists(path))
        {
            yield break;
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line && TryParse<T>(line, out var row))
        {
            yield return row;
        }
    }

    /// <summary>Keeps only the rows that belong to a run's past, so that a resumed run can append to them.</summary>
    /// <typeparam name="T">A row.</typeparam>
    /// <param name="path">The file.</param>
    /// <param name="keep">Whether a row is kept.</param>
    public static void Keep<T>(string path, Func<T, bool> keep)
    {
        var kept = Read<T>(path).Where(keep).ToArray();
        AtomicFile.Write(path, stream =>
        {
            foreach (var row in kept)
            {
                JsonSerializer.Serialize(stream, row, Options);
                stream.WriteByte((byte)'\n');
            }
        });
    }

    private static bool TryParse<T>(string line, out T row)
    {
        try
        {
            row = JsonSerializer.Deserialize<T>(line, Options)!;
            return true;
        }
        catch (JsonException)
        {
            row = default!;
            return false;
        }
    }
}
