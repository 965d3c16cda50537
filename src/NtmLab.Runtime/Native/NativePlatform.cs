using System.Runtime.InteropServices;

namespace NtmLab.Native;

/// <summary>Where the native files of one platform lie below an output folder, and what they are called.</summary>
/// <param name="Folder">The folder, relative to the output folder or to that of a package.</param>
/// <param name="Package">The package that brings libtorch's files.</param>
/// <param name="Dependencies">libtorch's files, in the order in which they must be loaded.</param>
/// <param name="Library">TorchSharp's native library, which comes last.</param>
internal sealed record NativePlatform(
    string Folder, string Package, IReadOnlyList<string> Dependencies, string Library)
{
    /// <summary>What the runtime accepts, as the end of a sentence.</summary>
    public const string Accepted =
        "accepted are Linux on x64 with glibc 2.34 or newer (Debian 12, Ubuntu 22.04, RHEL 9 and later), "
        + "Windows on x64 and macOS on Apple silicon";

    /// <summary>The platform of this process.</summary>
    /// <exception cref="NativeLoadException">libtorch does not exist for this platform.</exception>
    public static NativePlatform Current()
    {
        if (OperatingSystem.IsLinux() && GnuSystem.GlibcVersion() is null)
        {
            throw new NativeLoadException(
                $"libtorch: '{RuntimeInformation.OSDescription}' has no GNU C library (it may use musl); {Accepted}.");
        }

        return (Name(), RuntimeInformation.ProcessArchitecture) switch
        {
            ("linux", Architecture.X64) => Create("linux-x64", "lib", ".so"),
            ("win", Architecture.X64) => Create("win-x64", "", ".dll"),
            ("osx", Architecture.Arm64) => Create("osx-arm64", "lib", ".dylib"),
            var (name, processor) => throw new NativeLoadException(
                $"libtorch: there is no libtorch for {name}-{Lower(processor)}; {Accepted}."),
        };
    }

    private static string Name() =>
        OperatingSystem.IsLinux() ? "linux"
        : OperatingSystem.IsWindows() ? "win"
        : OperatingSystem.IsMacOS() ? "osx"
        : RuntimeInformation.RuntimeIdentifier;

    private static NativePlatform Create(string identifier, string prefix, string suffix) => new(
        Path.Combine("runtimes", identifier, "native"),
        $"libtorch-cpu-{identifier}",
        [$"{prefix}c10{suffix}", $"{prefix}torch_cpu{suffix}", $"{prefix}torch{suffix}"],
        $"{prefix}LibTorchSharp{suffix}");

    private static string Lower(Architecture processor) => processor.ToString().ToLowerInvariant();
}
