using System.Runtime.InteropServices;
using TorchSharp;

namespace NtmLab.Native;

/// <summary>
/// Finds libtorch in the output of the program, or under a script host in the package cache, and loads it before TorchSharp looks for
/// it by itself, so that these files are the ones that run, and so that an older Linux gets a library it can load.
/// </summary>
/// <remarks>
/// TorchSharp's own search would copy 600 MB beside its assembly when the first attempt fails, and then report a missing
/// package. Call <see cref="Load"/> before the first use of <c>torch</c>.
/// </remarks>
/// <example>
/// <code>
/// LibTorch.Load();
/// using var zeros = torch.zeros(2, 3);
/// </code>
/// </example>
public static class LibTorch
{
    private static readonly Lazy<LibTorchFiles> Loading = new(LoadOnce);

    /// <summary>The files this process runs on; loads them when that has not happened yet.</summary>
    /// <exception cref="NativeLoadException">The libraries do not load on this system.</exception>
    public static LibTorchFiles Files => Loading.Value;

    /// <summary>The version of libtorch, such as <c>2.10.0.0</c>; loads it when that has not happened yet.</summary>
    /// <exception cref="NativeLoadException">The libraries do not load on this system.</exception>
    public static string Version => Files.Version;

    /// <summary>Loads libtorch. Any number of calls, from any thread, load it once.</summary>
    /// <exception cref="NativeLoadException">The libraries do not load on this system.</exception>
    public static void Load() => _ = Files;

    private static LibTorchFiles LoadOnce()
    {
        var platform = NativePlatform.Current();
        var (library, isShared) = Find(platform, platform.Library);
        var dependencies = platform.Dependencies.Select(name => Find(platform, name).File).ToArray();
        foreach (var dependency in dependencies)
        {
            _ = LoadFile(dependency);
        }

        var (loaded, handle) = LoadTorchSharp(library, isShared);
        AnswerTorchSharp(handle);
        return new LibTorchFiles(
            Path.GetDirectoryName(dependencies[0])!, library, loaded, loaded != library, torch.__version__);
    }

    private static (string Library, nint Handle) LoadTorchSharp(string library, bool isShared)
    {
        RequireWhole(library);
        if (NativeLibrary.TryLoad(library, out var handle))
        {
            return (library, handle);
        }

        var mended = OperatingSystem.IsLinux() ? Mend(library, isShared) : null;
        return mended is null ? (library, LoadFile(library)) : (mended, LoadFile(mended));
    }

    private static string? Mend(string library, bool isShared)
    {
        if (GnuSystem.CppLibraryFile() is not { } cppFile)
        {
            throw new NativeLoadException(
                $"libtorch: this system has no C++ library ({GnuSystem.CppLibrary}); install it (package 'libstdc++6').");
        }

        var cppLibrary = File.ReadAllBytes(cppFile);
        try
        {
            return MendedLibrary.Create(library, isShared, cppLibrary);
        }
        catch (InvalidDataException fault)
        {
            throw new NativeLoadException(
                $"libtorch: '{library}' does not fit the C++ library '{cppFile}', which goes up to "
                + $"{GnuSystem.NewestVersion(cppLibrary) ?? "an unknown version"}: {fault.Message}",
                fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new NativeLoadException(
                $"libtorch: no copy of '{library}' that suits this system's C++ library can be written "
                + $"({fault.Message.TrimEnd('.')}); make that folder writable.",
                fault);
        }
    }

    private static nint LoadFile(string file)
    {
        RequireWhole(file);

        try
        {
            return NativeLibrary.Load(file);
        }
        catch (Exception fault) when (fault is DllNotFoundException or BadImageFormatException)
        {
            // The system's own words stand in the last line; the lines before it are general advice.
            var reason = fault.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            throw new NativeLoadException(
                $"libtorch: '{file}' does not load: {reason[^1].TrimEnd('.')}; {NativePlatform.Accepted}.", fault);
        }
    }

    private static void RequireWhole(string file)
    {
        if (!File.Exists(file))
        {
            throw new NativeLoadException(
                $"libtorch: '{Path.GetFileName(file)}' is missing from '{Path.GetDirectoryName(file)}'; "
                + "build the project again to bring it back.");
        }

        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            using var stream = File.OpenRead(file);
            ElfSegments.RequireWhole(stream);
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new NativeLoadException(
                $"libtorch: '{file}' cannot be used: {fault.Message.TrimEnd('.')}; "
                + "remove it (and its package from the NuGet cache), then build again.",
                fault);
        }
    }

    private static void AnswerTorchSharp(nint library)
    {
        try
        {
            // Without this TorchSharp would first try the unmended file again for each of its functions.
            NativeLibrary.SetDllImportResolver(
                typeof(torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? library : 0);
        }
        catch (InvalidOperationException)
        {
            // A host set its own resolver: the library is loaded already, and the system finds it by its name.
        }

        torch.InitializeDeviceType(DeviceType.CPU);
    }

    /// <summary>Where a native file lies, and whether it lies in the package cache, which other programs share.</summary>
    private static (string File, bool IsShared) Find(NativePlatform platform, string name)
    {
        var output = NativeFolders.OfOutput(platform);
        var packages = NativeFolders.OfPackage(platform, isTorchSharp: name == platform.Library);
        var file = output.Concat(packages).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
            ?? throw new NativeLoadException(
                $"libtorch: '{name}' is missing from '{packages.Append(output[0]).First()}'; "
                + $"add the package '{platform.Package}' {NativeFolders.LibTorchVersion} to the project or script that runs, "
                + "or build the project again.");
        return (file, !output.Contains(Path.GetDirectoryName(file)));
    }
}
