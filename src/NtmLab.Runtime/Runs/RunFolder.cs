using System.Globalization;
using System.Text;
using System.Text.Json;
using NtmLab.Configuration;
using NtmLab.Training;

namespace NtmLab.Runs;

/// <summary>
/// A run on disk: <c>run.json</c>, <c>script.fsx</c>, <c>metrics.jsonl</c> (one row a batch), <c>evaluations.jsonl</c>,
/// <c>checkpoints/</c> (<c>last.ckpt</c>, <c>previous.ckpt</c>, <c>best.ckpt</c>), <c>pictures/</c> and, of a model with a memory,
/// <c>memory/</c> and <c>traces/</c>. Made
/// once, never overwritten, held by one process at a time, readable by all.
/// </summary>
public sealed class RunFolder : IDisposable
{
    private const string RecordFile = "run.json";
    private readonly FileStream _hold;
    private readonly TimeProvider _clock;

    private RunFolder(string directory, RunRecord record, FileStream hold, TimeProvider clock)
    {
        Directory = directory;
        Record = record;
        _hold = hold;
        _clock = clock;
    }

    /// <summary>The folder's full path.</summary>
    public string Directory { get; }

    /// <summary>The record as last written.</summary>
    public RunRecord Record { get; private set; }

    /// <summary>The script as it was when the run was made.</summary>
    public string ScriptFile => ScriptOf(Directory);

    /// <summary>One <see cref="BatchReport"/> a line.</summary>
    public string MetricsFile => MetricsOf(Directory);

    /// <summary>One <see cref="EvaluationRow"/> a line.</summary>
    public string EvaluationsFile => EvaluationsOf(Directory);

    /// <summary>The checkpoint that resuming starts from.</summary>
    public string LastCheckpoint => CheckpointOf(Directory, best: false);

    /// <summary>The checkpoint before the last, in case that is damaged.</summary>
    public string PreviousCheckpoint => Path.Combine(Directory, "checkpoints", "previous.ckpt");

    /// <summary>The checkpoint with the best mean score by length.</summary>
    public string BestCheckpoint => CheckpointOf(Directory, best: true);

    /// <summary>What the memory held after the drawn example: see <see cref="MemoryOf"/>.</summary>
    public string MemoryFile => MemoryOf(Directory);

    /// <summary>A picture's file without its ending.</summary>
    public string Picture(string name) => Path.Combine(Directory, "pictures", name);

    /// <summary>The file of what the heads did in an example: see <see cref="Probes.HeadTraceFile"/>.</summary>
    public string Trace(string name) => Path.Combine(Directory, "traces", $"{name}.safetensors");

    /// <summary>Makes a new folder <c>name-seedS-NNN</c> with the next free number and writes its first record.</summary>
    /// <param name="runs">The folder that holds all runs; made if missing.</param>
    /// <param name="describe">The first record, given the id.</param>
    /// <param name="name">The experiment's name.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="scriptText">The script's text.</param>
    /// <param name="clock">Tells the time for the record.</param>
    /// <param name="reserve">Whether nobody elsewhere has a run of the record's id; null if there is only this folder to ask.</param>
    /// <exception cref="RunException">The folder cannot be made or written.</exception>
    public static RunFolder Create(
        string runs,
        string name,
        ulong seed,
        string scriptText,
        Func<string, RunRecord> describe,
        TimeProvider clock,
        Func<RunRecord, bool>? reserve = null)
    {
        try
        {
            var parent = System.IO.Directory.CreateDirectory(Path.GetFullPath(runs)).FullName;
            for (var number = 1; ; number++)
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"{name}-seed{seed}-{number:000}");
                var directory = Path.Combine(parent, id);
                if (System.IO.Directory.Exists(directory) || !TryReserve(parent, directory))
                {
                    continue;
                }

                var first = describe(id);
                if (reserve is not null && !reserve(first))
                {
                    System.IO.Directory.Delete(directory, recursive: true);
                    continue;
                }

                System.IO.Directory.CreateDirectory(Path.Combine(directory, "checkpoints"));
                System.IO.Directory.CreateDirectory(Path.Combine(directory, "pictures"));
                var folder = new RunFolder(directory, first, Hold(directory), clock);
                AtomicFile.Write(folder.ScriptFile, stream => stream.Write(Encoding.UTF8.GetBytes(scriptText)));
                folder.Update(record => record);
                return folder;
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException(
                $"{runs}: no run can be written here ({fault.Message.TrimEnd('.')}); --runs DIR chooses another folder.", fault);
        }
    }

    /// <summary>Opens an existing run to go on with it.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <param name="clock">Tells the time for the record.</param>
    /// <exception cref="RunException">There is no such run, or another process holds it.</exception>
    public static RunFolder Open(string directory, TimeProvider clock)
    {
        var full = Path.GetFullPath(directory);
        var record = ReadRecord(full);
        try
        {
            return new RunFolder(full, record, Hold(full), clock);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{full}: the run is held by another process, or cannot be written.", fault);
        }
    }

    /// <summary>Reads a run's record; the run may be going on in another process.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <exception cref="RunException">There is no such run, or its record is damaged.</exception>
    public static RunRecord ReadRecord(string directory)
    {
        var path = RecordOf(directory);
        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize<RunRecord>(stream, ConfigurationJson.Options)
                ?? throw new RunException($"{path}: is empty, not the record of a run.");
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RunException($"{directory}: is not a run: it holds no {RecordFile}.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{path}: cannot be read ({fault.Message.TrimEnd('.')}).", fault);
        }
        catch (JsonException fault)
        {
            throw new RunException($"{path}: is damaged, or not the record of a run of this version.", fault);
        }
    }

    /// <summary>Whether a folder holds a run.</summary>
    /// <param name="directory">The folder.</param>
    public static bool IsRun(string directory) => File.Exists(RecordOf(directory));

    /// <summary>Whether a text can be a run's id: one name, so that no path leads out of the folder of runs.</summary>
    /// <param name="text">The text.</param>
    public static bool IsId(string text) =>
        text.Length > 0 && !text.StartsWith('.') && text.IndexOfAny(['/', '\\', '\0']) < 0;

    /// <summary>The folder of a run; null if there is none.</summary>
    /// <param name="runs">The folder that holds all runs.</param>
    /// <param name="id">The run's id.</param>
    public static string? Of(string runs, string id)
    {
        if (!IsId(id))
        {
            return null;
        }

        var directory = Path.Combine(Path.GetFullPath(runs), id);
        return IsRun(directory) ? directory : null;
    }

    /// <summary>The file of a run's record.</summary>
    /// <param name="directory">The run's folder.</param>
    public static string RecordOf(string directory) => Path.Combine(directory, RecordFile);

    /// <summary>The script of a run as it was when the run was made.</summary>
    /// <param name="directory">The run's folder.</param>
    public static string ScriptOf(string directory) => Path.Combine(directory, "script.fsx");

    /// <summary>The metrics of a run, one <see cref="BatchReport"/> a line.</summary>
    /// <param name="directory">The run's folder.</param>
    public static string MetricsOf(string directory) => Path.Combine(directory, "metrics.jsonl");

    /// <summary>The evaluations of a run during its training, one <see cref="EvaluationRow"/> a line.</summary>
    /// <param name="directory">The run's folder.</param>
    public static string EvaluationsOf(string directory) => Path.Combine(directory, "evaluations.jsonl");

    /// <summary>A checkpoint of a run.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <param name="best">Whether the one with the best mean score by length is meant, not the last one.</param>
    public static string CheckpointOf(string directory, bool best) =>
        Path.Combine(directory, "checkpoints", best ? "best.ckpt" : "last.ckpt");

    /// <summary>
    /// The file of what a run's memory held after the drawn example of the longest trained length; there is none before the run's
    /// end, of a model without a memory, and of a memory that is too large to be kept.
    /// </summary>
    /// <param name="directory">The run's folder.</param>
    public static string MemoryOf(string directory) => Path.Combine(directory, "memory", "example.memory");

    /// <summary>All runs of a folder with their directories, newest first; folders without a readable record are left out.</summary>
    /// <param name="runs">The folder that holds all runs.</param>
    public static IReadOnlyList<(string Directory, RunRecord Record)> List(string runs)
    {
        var found = new List<(string, RunRecord)>();
        if (System.IO.Directory.Exists(runs))
        {
            foreach (var directory in System.IO.Directory.EnumerateDirectories(Path.GetFullPath(runs)))
            {
                try
                {
                    found.Add((directory, ReadRecord(directory)));
                }
                catch (RunException)
                {
                    // Not a run, or one being made this very moment.
                }
            }
        }

        return [.. found.OrderByDescending(run => run.Item2.Started)];
    }

    /// <summary>Whether a process is at this run.</summary>
    /// <param name="directory">The run's folder.</param>
    public static bool IsHeld(string directory)
    {
        try
        {
            Hold(directory).Dispose();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Changes the record and writes it.</summary>
    /// <exception cref="RunException">It cannot be written; the old record is intact.</exception>
    public void Update(Func<RunRecord, RunRecord> change)
    {
        var changed = change(Record) with { Updated = _clock.GetUtcNow() };
        AtomicFile.Write(
            RecordOf(Directory),
            stream => JsonSerializer.Serialize(stream, changed, ConfigurationJson.Options));
        Record = changed;
    }

    /// <summary>Drops metrics later than a trainer's state, so that a resumed run appends what an uninterrupted one would.</summary>
    public void Rewind(TrainerState state)
    {
        MetricsRows.Keep<BatchReport>(MetricsFile, row => row.Batch <= state.Batches);
        MetricsRows.Keep<EvaluationRow>(EvaluationsFile, row => row.Sequences <= state.Sequences);
    }

    /// <inheritdoc/>
    public void Dispose() => _hold.Dispose();

    /// <summary>Makes the folder unless another process was first: a rename never replaces a folder that holds something.</summary>
    private static bool TryReserve(string parent, string directory)
    {
        var fresh = System.IO.Directory.CreateDirectory(Path.Combine(parent, $".new-{Guid.NewGuid():N}")).FullName;
        File.WriteAllBytes(Path.Combine(fresh, "hold"), []);
        try
        {
            System.IO.Directory.Move(fresh, directory);
            return true;
        }
        catch (IOException) when (System.IO.Directory.Exists(directory))
        {
            System.IO.Directory.Delete(fresh, recursive: true);
            return false;
        }
    }

    private static FileStream Hold(string directory) =>
        new(Path.Combine(directory, "hold"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
}

/// <summary>Scores by length during training; the content of <c>evaluations.jsonl</c>.</summary>
/// <param name="Sequences">Sequences trained so far.</param>
/// <param name="Scores">One entry per length.</param>
public sealed record EvaluationRow(long Sequences, IReadOnlyList<LengthScore> Scores);
