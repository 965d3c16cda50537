namespace NtmLab.Kernels;

/// <summary>The workspaces of a kernel that wait for the next call, so that memory is not allocated for every batch.</summary>
internal sealed class PlanStore : IDisposable
{
    private readonly List<SequencePlan> _free = [];

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long FreeBytes
    {
        get
        {
            lock (_free)
            {
                return _free.Sum(plan => plan.Bytes);
            }
        }
    }

    /// <summary>A plan that serves, waiting or new.</summary>
    public SequencePlan Take(int batch, int time, bool keep, Func<SequencePlan> make)
    {
        var plan = Find(batch, time, keep) ?? make();
        plan.Return = Return;
        return plan;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_free)
        {
            Free();
        }
    }

    private SequencePlan? Find(int batch, int time, bool keep)
    {
        lock (_free)
        {
            var index = _free.FindIndex(plan => plan.Serves(batch, time, keep));
            if (index >= 0)
            {
                var found = _free[index];
                _free.RemoveAt(index);
                return found;
            }

            // A plan that has become too small, or waits for another batch size, gives its room to the new one.
            Free();
            return null;
        }
    }

    private void Return(SequencePlan plan)
    {
        lock (_free)
        {
            _free.Add(plan);
        }
    }

    private void Free()
    {
        foreach (var plan in _free)
        {
            plan.Free();
        }

        _free.Clear();
    }
}
