using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace NtmLab.Data;

/// <summary>
/// Rows of single-precision numbers in a temporary file, which the system keeps in memory as far as there is room. The file has
/// no name on Unix and is deleted with its handle on Windows, so that nothing is left when the process dies.
/// </summary>
internal sealed class RowStore : IDisposable
{
    private const int BufferSize = 1 << 20;

    private readonly int _width;
    private readonly FileStream _file;
    private MemoryMappedFile? _map;
    private MemoryMappedViewAccessor? _view;

    /// <summary>Makes an empty store in the system's folder for temporary files.</summary>
    /// <param name="width">Numbers in each row.</param>
    /// <exception cref="DataException">The file cannot be made.</exception>
    public RowStore(int width)
    {
        _width = width;
        _file = Guarded(() =>
        {
            var path = Path.Combine(Path.GetTempPath(), $"ntmlab-{Guid.NewGuid():N}.rows");
            var options = OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None;
            var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferSize, options);
            if (!OperatingSystem.IsWindows())
            {
                File.Delete(path);
            }

            return file;
        });
    }

    /// <summary>Rows in the store.</summary>
    public long Count { get; private set; }

    /// <summary>Appends a row.</summary>
    /// <exception cref="DataException">The disk is full.</exception>
    public void Append(ReadOnlySpan<float> row)
    {
        try
        {
            _file.Write(MemoryMarshal.AsBytes(row));
        }
        catch (IOException fault)
        {
            throw Unwritable(fault);
        }

        Count++;
    }

    /// <summary>Ends appending; from now on rows can be copied, by several threads at once.</summary>
    /// <exception cref="DataException">The disk is full.</exception>
    public void Seal() => Guarded(() =>
    {
        _file.Flush();
        _map = MemoryMappedFile.CreateFromFile(
            _file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        return _view;
    });

    /// <summary>Copies neighbouring rows.</summary>
    /// <param name="first">The first row, from 0.</param>
    /// <param name="destination">Whole rows, <c>[row, column]</c>.</param>
    public unsafe void CopyTo(long first, Span<float> destination)
    {
        var rows = destination.Length / _width;
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + rows, Count);
        var handle = _view!.SafeMemoryMappedViewHandle;
        byte* start = null;
        handle.AcquirePointer(ref start);
        try
        {
            new ReadOnlySpan<float>((float*)start + (first * _width), rows * _width).CopyTo(destination);
        }
        finally
        {
            handle.ReleasePointer();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view?.Dispose();
        _map?.Dispose();
        _file.Dispose();
    }

    private static T Guarded<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(fault);
        }
    }

    private static DataException Unwritable(Exception fault) => DataFile.Fault(
        Path.GetTempPath(), $"the data cannot be kept there ({fault.Message.TrimEnd('.')}); it is the folder for temporary files", fault);
}
