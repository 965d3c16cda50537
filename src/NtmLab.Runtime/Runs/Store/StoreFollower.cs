namespace NtmLab.Runs.Store;

/// <summary>
/// Takes a run into the store while it goes on, on a thread of its own. Whatever happens to the store, the run goes on in its folder,
/// and what the store lacks is taken in as soon as that is possible again, at the latest when runs are listed.
/// </summary>
public sealed class StoreFollower : IDisposable
{
    private const string Later = "The run is kept in its folder, and taken in later.";
    private static readonly TimeSpan Often = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan AtTheEnd = TimeSpan.FromSeconds(15);

    private readonly string _runs;
    private readonly string? _address;
    private readonly bool _shared;
    private readonly ManualResetEventSlim _end = new();
    private RunStore? _store;
    private Thread? _thread;
    private string? _trouble;

    /// <summary>Prepares to follow a run.</summary>
    /// <param name="runs">The folder that holds all runs.</param>
    /// <param name="address">Where the store is: see <see cref="StoreAddress"/>.</param>
    /// <exception cref="ConfigurationException">The address is none.</exception>
    public StoreFollower(string runs, string? address)
    {
        _runs = runs;
        _address = address;
        using var engine = StoreAddress.EngineOf(runs, address);
        _shared = engine is { MirrorsFolder: false };
        IsWanted = engine is not null;
    }

    /// <summary>Whether there is a store.</summary>
    public bool IsWanted { get; }

    /// <summary>
    /// Whether an id is free for a new run in a store that several machines share; where that cannot be asked, it is taken as free.
    /// </summary>
    /// <param name="record">The new run's record.</param>
    public bool Reserve(RunRecord record)
    {
        try
        {
            return !_shared || Store().Reserve(record);
        }
        catch (RunException fault)
        {
            _trouble = Sentence(fault);
            return true;
        }
    }

    /// <summary>Begins to follow a run.</summary>
    /// <param name="directory">The run's folder.</param>
    public void Follow(string directory)
    {
        if (IsWanted)
        {
            _thread = new Thread(() => Loop(directory)) { IsBackground = true, Name = "run store" };
            _thread.Start();
        }
    }

    /// <summary>What went wrong with the store, in one sentence, once; null if nothing did since the last time.</summary>
    public string? Trouble() => Interlocked.Exchange(ref _trouble, null);

    /// <summary>Takes in the last of the run, and follows it no longer.</summary>
    public void Finish()
    {
        _end.Set();
        if (_thread?.Join(AtTheEnd) == false)
        {
            Interlocked.Exchange(ref _trouble, $"The store does not answer. {Later}");
        }

        _thread = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Finish();
        _store?.Dispose();
    }

    private static string Sentence(RunException fault) => $"{fault.Message} {Later}";

    private RunStore Store() =>
        _store ??= RunStore.Open(_runs, _address, _ => { }) ?? throw new InvalidOperationException("No store is wanted.");

    private void Loop(string directory)
    {
        string? told = null;
        for (var ended = false; !ended;)
        {
            var pause = Often;
            try
            {
                // Read before the folder is, so that what was written before the end is taken in.
                ended = _end.IsSet;
                Store().Take(directory);
                told = null;
            }
            catch (RunException fault)
            {
                if (fault.Message != told)
                {
                    told = fault.Message;
                    Interlocked.Exchange(ref _trouble, Sentence(fault));
                }

                pause = AfterFault;
            }

            if (!ended)
            {
                _end.Wait(pause);
            }
        }
    }
}
