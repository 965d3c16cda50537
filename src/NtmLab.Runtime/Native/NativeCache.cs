using System.Security.Cryptography;
using TorchSharp;

namespace NtmLab.Native;

/// <summary>
/// The user's own folder for libraries that were mended for this system. It serves where the library as shipped lies in the package
/// cache, which belongs to every program of the machine and is never changed, and where the output cannot be written.
/// </summary>
internal static class NativeCache
{
    /// <summary>
    /// The folder for one library, made of TorchSharp's version and of what the library holds; null when the system says of no folder
    /// that it is the user's. On Linux it lies in <c>$XDG_CACHE_HOME</c>, or in <c>~/.cache</c> without that.
    /// </summary>
    /// <param name="content">The bytes of the library as mended.</param>
    public static string? FolderFor(ReadOnlySpan<byte> content)
    {
        var version = typeof(torch).Assembly.GetName().Version;
        var hash = Convert.ToHexStringLower(SHA256.HashData(content))[..16];
        return Root() is { } root ? Path.Combine(root, "ntmlab", "native", $"torchsharp-{version}-{hash}") : null;
    }

    private static string? Root()
    {
        // The standard for these folders says that a path that is not absolute is to be ignored.
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathFullyQualified(cache))
        {
            return cache;
        }

        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0 ? Path.Combine(home, ".cache") : null;
    }
}
