using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace NtmLab.Native;

/// <summary>
/// Finds the native libraries of packages (SQLite, Skia) in this output's folder of native files. A program finds them by its own list of
/// dependencies; a script host that loads our assemblies one by one knows of no such list, and asks here.
/// </summary>
public static class NativeFiles
{
    private static readonly Lazy<bool> Serving = new(Begin);

    /// <summary>Begins to answer for libraries that are not found otherwise. Any number of calls, from any thread, begin once.</summary>
    public static void Serve() => _ = Serving.Value;

    private static bool Begin()
    {
        var context = AssemblyLoadContext.GetLoadContext(typeof(NativeFiles).Assembly) ?? AssemblyLoadContext.Default;
        context.ResolvingUnmanagedDll += Find;
        return true;
    }

    private static nint Find(Assembly asking, string name)
    {
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        var platform = $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        var (prefix, suffix) = OperatingSystem.IsWindows() ? ("", ".dll") : OperatingSystem.IsMacOS() ? ("lib", ".dylib") : ("lib", ".so");
        var folder = Path.Combine(Path.GetDirectoryName(typeof(NativeFiles).Assembly.Location) ?? "", "runtimes", platform, "native");
        foreach (var file in new[] { $"{prefix}{name}{suffix}", $"{name}{suffix}", name })
        {
            if (NativeLibrary.TryLoad(Path.Combine(folder, file), out var library))
            {
                return library;
            }
        }

        return 0;
    }
}
