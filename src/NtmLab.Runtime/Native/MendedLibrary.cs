namespace NtmLab.Native;

/// <summary>
/// A copy of a native library that this system's older C++ library can load. The original is often a hard link into the
/// package cache of the whole machine, so the copy is always a new file and the original is never written.
/// </summary>
internal static class MendedLibrary
{
    /// <summary>
    /// The only symbol that libLibTorchSharp asks of a newer libstdc++. GCC 13 and later name it in every file that
    /// includes <c>iostream</c>, so that the streams' start-up code gets linked; nothing calls it.
    /// </summary>
    private static readonly string[] HarmlessSymbols = ["_ZSt21ios_base_library_initv"];

    /// <summary>
    /// Writes the copy, unless it is there already, into <c>mended/</c> beside the library or else into the user's own cache; gives its
    /// path.
    /// </summary>
    /// <param name="library">Full path of the library as shipped.</param>
    /// <param name="isShared">Whether other programs use that file, so that nothing may be written beside it.</param>
    /// <param name="cppLibrary">The bytes of the system's C++ library.</param>
    /// <returns>The path of the copy; null when the library demands nothing that the system lacks.</returns>
    /// <exception cref="InvalidDataException">The library uses something that the system lacks.</exception>
    /// <exception cref="IOException">The copy cannot be written, and no other folder is left to try.</exception>
    /// <exception cref="UnauthorizedAccessException">The last folder to try is not writable.</exception>
    public static string? Create(string library, bool isShared, byte[] cppLibrary)
    {
        var image = File.ReadAllBytes(library);
        var mended = Mend(image, version => GnuSystem.Offers(cppLibrary, version));
        if (mended.AsSpan().SequenceEqual(image))
        {
            return null;
        }

        string?[] folders =
        [
            isShared ? null : Path.Combine(Path.GetDirectoryName(library)!, "mended"),
            NativeCache.FolderFor(mended),
        ];
        return Keep(mended, Path.GetFileName(library), [.. folders.OfType<string>()]);
    }

    private static string Keep(byte[] mended, string name, ReadOnlySpan<string> folders)
    {
        if (folders.IsEmpty)
        {
            throw new IOException("there is no folder of the user's own; XDG_CACHE_HOME can name one");
        }

        var copy = Path.Combine(folders[0], name);
        try
        {
            if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(mended))
            {
                Directory.CreateDirectory(folders[0]);
                Replace(copy, mended);
            }

            return copy;
        }
        catch (Exception fault) when (folders.Length > 1 && fault is IOException or UnauthorizedAccessException)
        {
            return Keep(mended, name, folders[1..]);
        }
    }

    private static byte[] Mend(byte[] image, Predicate<string> isOffered)
    {
        var missing = ElfVersionNeeds.Read(image)
            .Where(need => need.Library == GnuSystem.CppLibrary && !need.IsWeak && !isOffered(need.Version))
            .Select(need => need.Version);
        return missing.Aggregate(image, (mended, version) => ElfVersionNeeds.Weaken(mended, version, HarmlessSymbols));
    }

    // Another process may be loading the copy, or writing the same one: a rename shows it either whole or not at all.
    private static void Replace(string file, byte[] content)
    {
        var temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, file, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
