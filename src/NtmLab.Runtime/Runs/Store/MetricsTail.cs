using System.Text;
using System.Text.Json;
using NtmLab.Training;

namespace NtmLab.Runs.Store;

/// <summary>Reads what was added to a run's metrics since the last time; a torn last line is left for the next.</summary>
internal static class MetricsTail
{
    /// <summary>Longer than any row, so that the last one before a place can be found.</summary>
    private const int LongestRow = 4096;

    /// <summary>
    /// Whether the file still holds what was read of it. A resumed run drops the rows later than its checkpoint and writes them anew,
    /// with other times.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="read">Bytes read of it.</param>
    /// <param name="batch">The batch of the last row in them.</param>
    /// <param name="seconds">The seconds of the last row in them.</param>
    public static bool Continues(string path, long read, long batch, double seconds)
    {
        if (read == 0)
        {
            return true;
        }

        if (!File.Exists(path))
        {
            return false;
        }

        using var stream = Open(path);
        if (stream.Length < read)
        {
            return false;
        }

        var buffer = new byte[Math.Min(read, LongestRow)];
        stream.Position = read - buffer.Length;
        stream.ReadExactly(buffer);
        var text = buffer.AsSpan();
        return text[^1] == '\n'
            && TryParse(text[(text[..^1].LastIndexOf((byte)'\n') + 1)..^1], out var row)
            && row.Batch == batch
            && row.Seconds.Equals(seconds);
    }

    /// <summary>The rows after a place, and the place after them.</summary>
    /// <param name="path">The file; none has no rows.</param>
    /// <param name="from">Bytes read of it.</param>
    /// <param name="most">The most rows.</param>
    public static (IReadOnlyList<BatchReport> Rows, long Read) Read(string path, long from, int most)
    {
        var rows = new List<BatchReport>();
        if (!File.Exists(path))
        {
            return (rows, from);
        }

        using var stream = Open(path);
        stream.Position = from;
        using var reader = new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 1 << 16);
        var read = from;
        while (rows.Count < most && reader.ReadLine() is { } line)
        {
            var bytes = Encoding.UTF8.GetBytes(line);
            if (read + bytes.Length + 1 > stream.Length || !TryParse(bytes, out var row))
            {
                break;
            }

            rows.Add(row);
            read += bytes.Length + 1;
        }

        return (rows, read);
    }

    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private static bool TryParse(ReadOnlySpan<byte> line, out BatchReport row)
    {
        try
        {
            row = JsonSerializer.Deserialize<BatchReport>(line, MetricsRows.Options);
            return true;
        }
        catch (JsonException)
        {
            row = default;
            return false;
        }
    }
}
