using System.Reflection;
using TorchSharp;

namespace NtmLab.Native;

/// <summary>
/// Where the native files lie: in the output of a program, which has them all in one folder, or, under a script host that loads
/// assemblies from where NuGet keeps them, each in the folder of its package.
/// </summary>
internal static class NativeFolders
{
    /// <summary>The version of libtorch that TorchSharp's library was built for, such as <c>2.10.0</c>.</summary>
    public static readonly string LibTorchVersion = typeof(NativeFolders).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(attribute => attribute.Key == nameof(LibTorchVersion)).Value!;

    /// <summary>The folders of the output, in the order in which they are searched.</summary>
    /// <param name="platform">The platform of this process.</param>
    public static IReadOnlyList<string> OfOutput(NativePlatform platform)
    {
        var beside = FolderOf(typeof(NativeFolders).Assembly);
        string[] bases = beside is null ? [AppContext.BaseDirectory] : [beside, AppContext.BaseDirectory];
        // An output for one platform only ("dotnet publish -r") has the native files beside the assemblies.
        return [.. bases.SelectMany(path => new[] { Path.Combine(path, platform.Folder), path }).Distinct()];
    }

    /// <summary>The folders of the package that brings a file, in each place where NuGet may keep packages.</summary>
    /// <param name="platform">The platform of this process.</param>
    /// <param name="isTorchSharp">Whether it is TorchSharp's package; otherwise it is libtorch's.</param>
    public static IReadOnlyList<string> OfPackage(NativePlatform platform, bool isTorchSharp)
    {
        if (PackageOf(typeof(torch).Assembly) is not { } torchSharp)
        {
            return [];
        }

        if (isTorchSharp)
        {
            return [Path.Combine(torchSharp, platform.Folder)];
        }

        var own = PackageOf(typeof(NativeFolders).Assembly);
        string?[] places =
        [
            PlaceOf(torchSharp),
            own is null ? null : PlaceOf(own),
            Environment.GetEnvironmentVariable("NUGET_PACKAGES"),
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages"),
            .. (Environment.GetEnvironmentVariable("NUGET_FALLBACK_PACKAGES") ?? "").Split(Path.PathSeparator),
        ];
        return
        [
            .. places.Where(place => !string.IsNullOrEmpty(place)).Distinct()
                .Select(place => Path.Combine(place!, platform.Package, LibTorchVersion, platform.Folder)),
        ];
    }

    private static string? FolderOf(Assembly assembly) =>
        Path.GetDirectoryName(assembly.Location) is { Length: > 0 } folder ? folder : null;

    /// <summary>The package that an assembly lies in as <c>lib/FRAMEWORK/NAME.dll</c>; null where it lies elsewhere.</summary>
    private static string? PackageOf(Assembly assembly) =>
        Path.GetDirectoryName(FolderOf(assembly)) is { } lib && Path.GetFileName(lib) == "lib" ? Path.GetDirectoryName(lib) : null;

    /// <summary>Where a package is kept: above its id and version.</summary>
    private static string? PlaceOf(string package) => Path.GetDirectoryName(Path.GetDirectoryName(package));
}
