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
    public static IReadOnlyList<T> Read<T>(string path)
    {
        var rows = new List<T>();
        if (!File.Exists(path))
        {
            return rows;
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            try
            {
                rows.Add(JsonSerializer.Deserialize<T>(line, Options)!);
            }
            catch (JsonException)
            {
                break;
            }
        }

        return rows;
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
}
