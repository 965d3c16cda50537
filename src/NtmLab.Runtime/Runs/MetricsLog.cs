using System.Text;
using System.Text.Json;

namespace NtmLab.Runs;

/// <summary>
/// Rows of metrics as JSON lines, appended while a run goes on and readable all the time. A row is at most a second old
/// when it reaches the file.
/// </summary>
/// <typeparam name="T">A row.</typeparam>
public sealed class MetricsLog<T> : IDisposable
{
    private static readonly TimeSpan FlushAfter = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly FileStream _stream;
    private readonly StreamWriter _writer;
    private readonly TimeProvider _clock;
    private long _flushed;

    /// <summary>Opens a log for appending.</summary>
    /// <param name="path">The file.</param>
    /// <param name="clock">Decides when rows are flushed.</param>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public MetricsLog(string path, TimeProvider clock)
    {
        _path = path;
        _clock = clock;
        _flushed = clock.GetTimestamp();
        try
        {
            _stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
            _writer = new StreamWriter(_stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" };
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(fault);
        }
    }

    /// <summary>Appends a row.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public void Append(T row)
    {
        try
        {
            _writer.WriteLine(JsonSerializer.Serialize(row, MetricsRows.Options));
        }
        catch (IOException fault)
        {
            throw Unwritable(fault);
        }

        if (_clock.GetElapsedTime(_flushed) >= FlushAfter)
        {
            Flush();
        }
    }

    /// <summary>Brings all rows to the disk.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public void Flush()
    {
        try
        {
            _writer.Flush();
            _stream.Flush(flushToDisk: true);
        }
        catch (IOException fault)
        {
            throw Unwritable(fault);
        }

        _flushed = _clock.GetTimestamp();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _writer.Dispose();
        }
        catch (IOException)
        {
            // Rows are flushed, and a full disk reported, before every checkpoint; what is left here is later than the last.
        }
    }

    private RunException Unwritable(Exception fault) =>
        new($"{_path}: cannot be written ({fault.Message.TrimEnd('.')}).", fault);
}
