using System.Runtime.InteropServices;
using Cloud.Unum.USearch;

namespace NtmLab.Kernels;

/// <summary>
/// The native library behind <see cref="IndexedSearch{T}"/> (USearch: a hierarchical navigable small world graph, Malkov and
/// Yashunin 2016, arXiv 1603.09320). It is loaded when the first index is made, from beside this assembly, so that a script host
/// finds it too; where it does not load, memories are searched exactly.
/// </summary>
public static class SlotIndexLibrary
{
    private static readonly Lazy<string?> Loading = new(Load);

    /// <summary>Why the library cannot be used here; null if it can.</summary>
    public static string? Fault => Loading.Value;

    private static string? Load()
    {
        if (Folder() is not { } folder)
        {
            return $"there is none for {RuntimeInformation.RuntimeIdentifier}";
        }

        try
        {
            var extension = OperatingSystem.IsWindows() ? "dll" : OperatingSystem.IsMacOS() ? "dylib" : "so";
            var prefix = OperatingSystem.IsWindows() ? "" : "lib";
            _ = NativeLibrary.Load(Path.Combine(folder, $"{prefix}numkong.{extension}"));
            var library = NativeLibrary.Load(Path.Combine(folder, $"libusearch_c.{extension}"));
            NativeLibrary.SetDllImportResolver(
                typeof(USearchIndex).Assembly, (name, _, _) => name == "libusearch_c" ? library : 0);
            return null;
        }
        catch (Exception fault) when (fault is DllNotFoundException or BadImageFormatException)
        {
            // The system's own words stand in the last line; the lines before it are general advice.
            return fault.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
        }
        catch (InvalidOperationException)
        {
            // A host set its own resolver: the library is loaded already, and the system finds it by its name.
            return null;
        }
    }

    /// <summary>
    /// Where this platform's files lie: beside this assembly, in its folder of native files, or, where a script host loads assemblies
    /// from the package cache, in USearch's own package.
    /// </summary>
    private static string? Folder()
    {
        var beside = Path.GetDirectoryName(typeof(SlotIndexLibrary).Assembly.Location);
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        var platform = $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        return new[] { beside, AppContext.BaseDirectory }
            .Where(folder => !string.IsNullOrEmpty(folder))
            .SelectMany(folder => new[] { Path.Combine(folder!, "runtimes", platform, "native"), folder! })
            .Concat(OfPackage().Select(folder => Path.Combine(folder, "runtimes", platform, "native")))
            .FirstOrDefault(folder => Directory.Exists(folder) && Directory.EnumerateFiles(folder, "libusearch_c.*").Any());
    }

    /// <summary>The package that USearch's assembly lies in as <c>lib/FRAMEWORK/NAME.dll</c>; none where it lies elsewhere.</summary>
    private static IEnumerable<string> OfPackage()
    {
        var lib = Path.GetDirectoryName(Path.GetDirectoryName(typeof(USearchIndex).Assembly.Location));
        return Path.GetFileName(lib) == "lib" ? [Path.GetDirectoryName(lib)!] : [];
    }
}
