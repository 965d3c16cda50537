namespace NtmLab;

/// <summary>Files that are either the old one or the new one, whatever happens while they are written.</summary>
public static class AtomicFile
{
    /// <summary>Writes a new file beside the old one, flushes it to the disk and puts it in the old one's place.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes the whole content.</param>
    /// <param name="previous">Where the old file is kept, in place of what is there; null to let go of it.</param>
    /// <exception cref="RunException">The file cannot be written; the old one is untouched.</exception>
    public static void Write(string path, Action<Stream> write, string? previous = null)
    {
        var fresh = path + ".new";
        try
        {
            using (var stream = new FileStream(fresh, FileMode.Create, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            if (previous is not null && File.Exists(path))
            {
                File.Move(path, previous, overwrite: true);
            }

            File.Move(fresh, path, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Discard(fresh);
            var kept = File.Exists(path) ? "; the previous file is intact" : "";
            throw new RunException($"{path}: cannot be written ({fault.Message.TrimEnd('.')}){kept}.", fault);
        }
    }

    private static void Discard(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The fault that led here is the one to report.
        }
    }
}
