using System.Runtime.InteropServices;

namespace NtmLab.Native;

/// <summary>Memory that native code has freed, and the C library keeps for the next request.</summary>
internal static partial class FreedMemory
{
    /// <summary>Gives it back to the system, where the C library can (glibc): the process is then as large as what it holds.</summary>
    public static void Return()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            _ = Trim(0);
        }
        catch (Exception fault) when (fault is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library than glibc.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint keep);
}
