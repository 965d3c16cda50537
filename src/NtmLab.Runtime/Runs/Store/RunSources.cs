namespace NtmLab.Runs.Store;

/// <summary>Finds where the runs of a folder are read from.</summary>
public static class RunSources
{
    /// <summary>
    /// The store of a folder of runs that the environment names (<see cref="StoreAddress"/>), or the folders themselves: where they
    /// alone are wanted, where there is no run yet, and where the store cannot be opened.
    /// </summary>
    /// <param name="runs">The folder that holds all runs.</param>
    /// <param name="say">Told in a sentence what is left out, and why.</param>
    /// <exception cref="ConfigurationException">The environment names no store.</exception>
    public static IRunSource Open(string runs, Action<string> say) => Open(runs, StoreAddress.OfEnvironment, say);

    internal static IRunSource Open(string runs, string? address, Action<string> say)
    {
        var folders = new RunFolders(runs);
        if (address is null && !(Directory.Exists(runs) && Directory.EnumerateDirectories(runs).Any(RunFolder.IsRun)))
        {
            return folders;
        }

        RunStore? store = null;
        try
        {
            store = RunStore.Open(runs, address, say);
            _ = store?.List();
            return store is null ? folders : store;
        }
        catch (RunException fault)
        {
            store?.Dispose();
            say($"{fault.Message} The runs are read from their folders.");
            return folders;
        }
    }
}
