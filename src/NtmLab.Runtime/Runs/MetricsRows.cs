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

    /// <summary>The last whole row of a log, read from its end; none if there is no file or no row.</summary>
    /// <typeparam name="T">A row of at most some thousand bytes.</typeparam>
    /// <param name="path">The file.</param>
    public static T? Last<T>(string path)
        where T : struct
    {
        const int enough = 8192;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            stream.Seek(-Math.Min(enough, stream.Length), SeekOrigin.End);
            using var reader = new StreamReader(stream);
            var lines = reader.ReadToEnd().Split('\n');
            // What follows the last line break is a row that is being written.
            for (var line = lines.Length - 2; line >= 0; line--)
            {
                if (TryParse<T>(lines[line], out var row))
                {
                    return row;
                }
            }

            return null;
        }
        catch (IOException)
        {
            return null;
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
