using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using NtmLab.Kernels;
using NtmLab.Runs.Store;
using TorchSharp;

namespace NtmLab.Native;

/// <summary>Examines whether this machine can run the lab, and how well. It reads and never repairs.</summary>
public static class Doctor
{
    private const int OldestSdk = 10;

    /// <summary>Runs every check, in the order in which a person would want to read them.</summary>
    /// <param name="repositoryRoot">The folder that holds <c>NtmLab.sln</c>.</param>
    /// <param name="runsDirectory">Where run records go; it need not exist yet.</param>
    public static IReadOnlyList<DoctorCheck> Examine(string repositoryRoot, string runsDirectory)
    {
        ArgumentException.ThrowIfNullOrEmpty(repositoryRoot);
        ArgumentException.ThrowIfNullOrEmpty(runsDirectory);

        var libTorch = ExamineLibTorch();
        var loads = libTorch.Status != DoctorStatus.Failed;
        return
        [
            ExamineSdk(repositoryRoot),
            new DoctorCheck(".NET runtime", DoctorStatus.Ok, RuntimeInformation.FrameworkDescription),
            ExamineSystem(),
            libTorch,
            ExamineThreads(loads),
            ExamineVectors(),
            ExamineIndex(),
            ExamineGpu(loads),
            ExamineFeed(repositoryRoot),
            ExamineFolder("runs directory", runsDirectory),
            ExamineStore(runsDirectory),
            ExamineFolder("artifacts", Path.Combine(repositoryRoot, "artifacts")),
        ];
    }

    private static DoctorCheck ExamineSdk(string root)
    {
        const string name = ".NET SDK";
        if (RunDotnet(root, "--version") is not { } version)
        {
            return new DoctorCheck(name, DoctorStatus.Failed, $"'dotnet' does not answer; install .NET SDK {OldestSdk} or newer");
        }

        var isRecent = int.TryParse(version.Split('.')[0], CultureInfo.InvariantCulture, out var major) && major >= OldestSdk;
        return isRecent
            ? new DoctorCheck(name, DoctorStatus.Ok, version)
            : new DoctorCheck(name, DoctorStatus.Failed, $"{version} is too old; install .NET SDK {OldestSdk} or newer");
    }

    private static DoctorCheck ExamineSystem()
    {
        var system = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.RuntimeIdentifier}";
        if (!OperatingSystem.IsLinux())
        {
            return new DoctorCheck("system", DoctorStatus.Ok, system);
        }

        var glibc = GnuSystem.GlibcVersion();
        var cppFile = GnuSystem.CppLibraryFile();
        var newest = cppFile is null ? null : GnuSystem.NewestVersion(File.ReadAllBytes(cppFile));
        var isKnown = glibc is not null && newest is not null;
        return new DoctorCheck(
            "system",
            isKnown ? DoctorStatus.Ok : DoctorStatus.Failed,
            $"{system}, glibc {glibc ?? "missing"}, libstdc++ up to {newest ?? "missing"}");
    }

    private static DoctorCheck ExamineLibTorch()
    {
        try
        {
            var files = LibTorch.Files;
            var how = files.IsMended ? "mended for this system's libstdc++" : "as shipped";
            return new DoctorCheck("libtorch", DoctorStatus.Ok, $"{files.Version}, {how}, {files.Folder}");
        }
        catch (NativeLoadException fault)
        {
            return new DoctorCheck("libtorch", DoctorStatus.Failed, fault.Message);
        }
    }

    private static DoctorCheck ExamineThreads(bool libTorchLoads)
    {
        var cores = $"{Environment.ProcessorCount} cores";
        return libTorchLoads
            ? new DoctorCheck("threads", DoctorStatus.Ok, $"{cores}, libtorch uses {torch.get_num_threads()}")
            : new DoctorCheck("threads", DoctorStatus.Warning, $"{cores}; what libtorch would use is unknown");
    }

    private static DoctorCheck ExamineVectors()
    {
        var level = Avx512F.IsSupported ? "AVX-512"
            : Avx2.IsSupported ? "AVX2"
            : AdvSimd.IsSupported ? "NEON"
            : Sse2.IsSupported ? "SSE2"
            : null;
        var width = Vector512.IsHardwareAccelerated ? 16
            : Vector256.IsHardwareAccelerated ? 8
            : Vector128.IsHardwareAccelerated ? 4
            : 1;
        return level is null
            ? new DoctorCheck("vectors", DoctorStatus.Warning, "none that .NET uses; the fused engine runs slowly")
            : new DoctorCheck("vectors", DoctorStatus.Ok, $"{level}, {width} floats at a time");
    }

    private static DoctorCheck ExamineStore(string runs)
    {
        const string name = "run store";
        try
        {
            using var source = RunSources.Open(runs, sentence => throw new RunException(sentence));
            var count = source.List().Count;
            var detail = source is RunStore store ? $"{store.Place}, {count} runs"
                : StoreAddress.OfEnvironment is null ? "SQLite, made with the first run"
                : "folders alone";
            return new DoctorCheck(name, DoctorStatus.Ok, detail);
        }
        catch (NtmLabException fault)
        {
            return new DoctorCheck(name, DoctorStatus.Failed, fault.Message);
        }
    }

    private static DoctorCheck ExamineIndex()
    {
        const string name = "slot index";
        return SlotIndexLibrary.Fault is { } fault
            ? new DoctorCheck(name, DoctorStatus.Warning, $"does not load, sparse memories are searched exactly: {fault}")
            : new DoctorCheck(name, DoctorStatus.Ok, "USearch, for sparse memories of very many slots");
    }

    private static DoctorCheck ExamineGpu(bool libTorchLoads)
    {
        const string name = "GPU";
        try
        {
            return libTorchLoads && torch.cuda.is_available()
                ? new DoctorCheck(name, DoctorStatus.Ok, $"{torch.cuda.device_count()} for CUDA")
                : new DoctorCheck(name, DoctorStatus.Ok, "none; everything runs on the processor");
        }
        catch (Exception fault) when (fault is NotSupportedException or DllNotFoundException or ExternalException)
        {
            return new DoctorCheck(name, DoctorStatus.Warning, $"CUDA does not start: {FirstLine(fault.Message)}");
        }
    }

    private static DoctorCheck ExamineFeed(string root)
    {
        const string name = "package feed";
        var sources = RunDotnet(root, "nuget", "list", "source", "--format", "short") ?? "";
        var enabled = sources.Split('\n', StringSplitOptions.TrimEntries)
            .FirstOrDefault(line => line.StartsWith('E') && line.Contains(' '));
        return enabled is null
            ? new DoctorCheck(
                name, DoctorStatus.Warning, "none is enabled, so nothing can be restored; 'dotnet nuget add source' adds one")
            : new DoctorCheck(name, DoctorStatus.Ok, WithoutSecrets(enabled[(enabled.IndexOf(' ') + 1)..].Trim()));
    }

    private static DoctorCheck ExamineFolder(string name, string folder)
    {
        var path = Path.GetFullPath(folder);
        var existing = path;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        try
        {
            using (File.Create(
                Path.Combine(existing, $".ntmlab-doctor-{Guid.NewGuid():N}"), bufferSize: 1, FileOptions.DeleteOnClose))
            {
            }

            return new DoctorCheck(name, DoctorStatus.Ok, existing == path ? path : $"{path} (to be created)");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DoctorCheck(name, DoctorStatus.Failed, $"{existing} is not writable: {FirstLine(fault.Message)}");
        }
    }

    private static string WithoutSecrets(string source)
    {
        if (!Uri.TryCreate(source, UriKind.Absolute, out var address) || address.IsFile)
        {
            return source;
        }

        return address.GetComponents(
            UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0].Trim();

    private static string? RunDotnet(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1", ["DOTNET_NOLOGO"] = "1" },
        };
        try
        {
            using var process = Process.Start(start);
            if (process is null)
            {
                return null;
            }

            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output.Trim() : null;
        }
        catch (Exception fault) when (fault is System.ComponentModel.Win32Exception or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
