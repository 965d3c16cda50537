using System.Diagnostics;
using NtmLab.Configuration;
using NtmLab.Models;
using NtmLab.Runs;
using NtmLab.Runs.Store;
using NtmLab.Tasks;
using NtmLab.Training;

namespace NtmLab.Benchmarks;

/// <summary>
/// What many runs cost: their metrics written to folders and taken into the store, the runs listed, and a learning curve read; from
/// the store against the folders alone. The runs are made up, in a folder of their own that is removed; in a store that several
/// machines share they are removed too.
/// </summary>
public static class StoreBenchmark
{
    private const int Repeats = 5;
    private const int CurveRows = 500;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="runs">Runs, 1 or more.</param>
    /// <param name="rows">Rows of metrics of each, 2 or more.</param>
    /// <param name="address">Where the store is: see <see cref="StoreAddress"/>.</param>
    /// <exception cref="ConfigurationException">A number is out of range, or the address is no store's.</exception>
    /// <exception cref="RunException">The store or the folder of temporary files cannot be written.</exception>
    public static StoreCost Run(int runs, int rows, string? address)
    {
        Require.AtLeast("bench: --count", runs, 1);
        Require.AtLeast("bench: --length", rows, 2);
        var folder = Directory.CreateTempSubdirectory("ntmlab-bench-").FullName;
        try
        {
            var (directories, writing) = Timed(() => Make(folder, runs, rows));
            using var store = RunStore.Open(folder, address, _ => { })
                ?? throw new ConfigurationException($"bench store: '{StoreAddress.None}' is no store; {StoreAddress.Accepted}.");
            using var folders = new RunFolders(folder);
            var (taken, taking) = Timed(() => directories.Sum(store.Take));
            var id = Path.GetFileName(directories[runs / 2]);
            var cost = new StoreCost(
                store.Place,
                runs,
                rows,
                runs * (double)rows / writing,
                taken / taking,
                1000 * Median(() => store.List()),
                1000 * Median(() => folders.List()),
                1000 * Median(() => store.Curve(id, CurveRows)),
                1000 * Median(() => folders.Curve(id, CurveRows)));
            store.Forget(directories.Select(directory => Path.GetFileName(directory)));
            return cost;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Make(string folder, int runs, int rows)
    {
        var configuration = ConfigurationJson.Write(
            new ExperimentConfiguration { Name = "bench-store", Task = new CopyTask(), Model = new NtmOptions() });
        // An id of its own for each benchmark, since a store may be shared.
        var name = $"bench-store-{Guid.NewGuid():N}";
        return
        [
            .. Enumerable.Range(1, runs).Select(number =>
            {
                using var run = RunFolder.Create(
                    folder,
                    name,
                    (ulong)number,
                    "// made up\n",
                    id => new RunRecord
                    {
                        Id = id,
                        Status = RunStatus.Finished,
                        Name = name,
                        Task = "copy",
                        ScoreName = "wrong bits",
                        Model = "ntm",
                        Parameters = 1,
                        Seed = (ulong)number,
                        Engine = "fused",
                        Started = DateTimeOffset.UnixEpoch.AddMinutes(number),
                        Updated = DateTimeOffset.UnixEpoch.AddMinutes(number),
                        CodeVersion = "0",
                        Machine = new MachineRecord("", "", "", "", 1),
                        Script = "bench.fsx",
                        Configuration = configuration,
                        Evaluation = [new LengthScore(20, 0.5, 0.25), new LengthScore(50, 1.5, 0.125)],
                    },
                    TimeProvider.System);
                using var metrics = new MetricsLog<BatchReport>(run.MetricsFile, TimeProvider.System);
                var random = new RandomStream((ulong)number, "bench");
                for (var batch = 1; batch <= rows; batch++)
                {
                    var loss = random.NextDouble();
                    metrics.Append(new BatchReport(batch, 16L * batch, 20, loss, 0.1 * loss, 0.2 * loss, 1e-3 * batch));
                }

                return run.Directory;
            }),
        ];
    }

    private static (T Result, double Seconds) Timed<T>(Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        var result = work();
        return (result, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static double Median<T>(Func<T> work) =>
        SideBySide.Median([.. Enumerable.Range(0, Repeats).Select(_ => Timed(work).Seconds)]);
}

/// <summary>What many runs cost.</summary>
/// <param name="Store">The store, as a sentence names it.</param>
/// <param name="Runs">Runs.</param>
/// <param name="Rows">Rows of metrics of each.</param>
/// <param name="RowsWrittenPerSecond">Rows a second to the folders' files, the folders' making included.</param>
/// <param name="RowsTakenPerSecond">Rows a second from there into the store.</param>
/// <param name="ListMilliseconds">Milliseconds to list all runs with their records, median.</param>
/// <param name="FolderListMilliseconds">The same from the folders alone.</param>
/// <param name="CurveMilliseconds">Milliseconds to read one run's learning curve, median.</param>
/// <param name="FolderCurveMilliseconds">The same from the folders alone.</param>
public sealed record StoreCost(
    string Store,
    int Runs,
    int Rows,
    double RowsWrittenPerSecond,
    double RowsTakenPerSecond,
    double ListMilliseconds,
    double FolderListMilliseconds,
    double CurveMilliseconds,
    double FolderCurveMilliseconds);
