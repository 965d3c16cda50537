using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace NtmLab.Native;

/// <summary>What this Linux system offers to native libraries: its C library and its C++ library.</summary>
internal static class GnuSystem
{
    /// <summary>The C++ library, by the name under which other libraries ask for it.</summary>
    public const string CppLibrary = "libstdc++.so.6";

    private const string VersionPrefix = "GLIBCXX_3.4.";

    /// <summary>The version of the GNU C library, such as <c>2.36</c>; null where the C library is another (musl).</summary>
    public static unsafe string? GlibcVersion()
    {
        if (!NativeLibrary.TryLoad("libc.so.6", out var library)
            || !NativeLibrary.TryGetExport(library, "gnu_get_libc_version", out var function))
        {
            return null;
        }

        return Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)function)());
    }

    /// <summary>The file of the C++ library in this process; null when the system has none.</summary>
    public static string? CppLibraryFile()
    {
        // Loading tells which of several copies the loader prefers here; only the memory map tells its path.
        _ = NativeLibrary.TryLoad(CppLibrary, out _);
        return File.ReadLines("/proc/self/maps")
            .Select(line => line.IndexOf('/') is var at and >= 0 ? line[at..] : "")
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith(CppLibrary, StringComparison.Ordinal));
    }

    /// <summary>Whether the C++ library's image offers a symbol version, such as <c>GLIBCXX_3.4.32</c>.</summary>
    public static bool Offers(ReadOnlySpan<byte> cppLibrary, string version) =>
        cppLibrary.IndexOf(Encoding.ASCII.GetBytes($"\0{version}\0")) >= 0;

    /// <summary>The newest <c>GLIBCXX_3.4.n</c> the C++ library's image offers; null when it offers none.</summary>
    public static string? NewestVersion(ReadOnlySpan<byte> cppLibrary)
    {
        var newest = -1;
        var prefix = Encoding.ASCII.GetBytes($"\0{VersionPrefix}");
        for (var rest = cppLibrary; rest.IndexOf(prefix) is var at and >= 0;)
        {
            rest = rest[(at + prefix.Length)..];
            var length = rest.IndexOf((byte)0);
            if (length >= 0 && int.TryParse(rest[..length], CultureInfo.InvariantCulture, out var level))
            {
                newest = Math.Max(newest, level);
            }
        }

        return newest < 0 ? null : VersionPrefix + newest.ToString(CultureInfo.InvariantCulture);
    }
}
