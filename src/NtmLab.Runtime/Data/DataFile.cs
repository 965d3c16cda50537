using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;

namespace NtmLab.Data;

/// <summary>Opens the user's files; every fault of a file is one sentence that begins with its path.</summary>
internal static class DataFile
{
    private const int BufferSize = 1 << 17;

    /// <summary>Opens a file that holds something, for reading from front to back.</summary>
    /// <exception cref="DataException">It is missing, empty or cannot be opened.</exception>
    public static FileStream Open(string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize, FileOptions.SequentialScan);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Fault(path, "there is no such file", fault);
        }
        catch (Exception fault) when (IsOfReading(fault) || fault is ArgumentException)
        {
            throw Directory.Exists(path)
                ? Fault(path, "is a folder; a file is wanted", fault)
                : Fault(path, "cannot be opened", fault);
        }

        if (file.CanSeek && file.Length > 0)
        {
            return file;
        }

        var what = file.CanSeek ? "is empty" : "is a pipe; a file is wanted";
        file.Dispose();
        throw Fault(path, what);
    }

    /// <summary>
    /// Opens a file as <see cref="Open"/> does, unpacking what gzip packed (RFC 1952: it begins with 1f 8b). Unlike .NET's own
    /// stream, the one used here checks the sums and fails where a packed file was cut short.
    /// </summary>
    /// <exception cref="DataException">It is missing, empty or cannot be opened.</exception>
    public static Stream OpenUnpacked(string path)
    {
        var file = Open(path);
        return Begins(file, [0x1f, 0x8b]) ? new GZipInputStream(file) : file;
    }

    /// <summary>Whether a file begins with these bytes; it stays at its beginning.</summary>
    public static bool Begins(FileStream file, ReadOnlySpan<byte> magic)
    {
        Span<byte> first = stackalloc byte[magic.Length];
        var read = file.ReadAtLeast(first, first.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return first[..read].SequenceEqual(magic);
    }

    /// <summary>Whether reading a file can fail in this way: a disk that errs, or packed bytes that do not unpack.</summary>
    public static bool IsOfReading(Exception fault) =>
        fault is IOException or UnauthorizedAccessException or InvalidDataException or SharpZipBaseException;

    /// <summary>A fault of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What is wrong, without an end.</param>
    /// <param name="cause">What was thrown, if anything.</param>
    public static DataException Fault(string path, string what, Exception? cause = null) => new($"{path}: {what}.", cause);
}
