using System.Runtime.InteropServices;

namespace NtmLab.Runs.Store;

/// <summary>
/// The native library of SQLite. It is loaded from beside this assembly, where a script host would not look for it; where it does not
/// lie there, the system or the host finds it by its name.
/// </summary>
internal static class SqliteLibrary
{
    private static readonly Lazy<bool> Loading = new(LoadOnce);

    /// <summary>Loads the library. Any number of calls, from any thread, load it once.</summary>
    public static void Load() => _ = Loading.Value;

    private static bool LoadOnce()
    {
        var beside = Path.GetDirectoryName(typeof(SqliteLibrary).Assembly.Location);
        var file = OperatingSystem.IsWindows() ? "e_sqlite3.dll" : OperatingSystem.IsMacOS() ? "libe_sqlite3.dylib" : "libe_sqlite3.so";
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        var platform = $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        var path = Path.Combine(beside ?? "", "runtimes", platform, "native", file);
        if (File.Exists(path))
        {
            var library = NativeLibrary.Load(path);
            try
            {
                NativeLibrary.SetDllImportResolver(
                    typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, (name, _, _) => name == "e_sqlite3" ? library : 0);
            }
            catch (InvalidOperationException)
            {
                // A host set its own resolver: the library is loaded already, and the system finds it by its name.
            }
        }

        SQLitePCL.Batteries_V2.Init();
        return true;
    }
}
