namespace NtmLab.Kernels;

/// <summary>The workspace of one batch. Disposing gives it back to the kernel that made it.</summary>
public abstract class KernelPlan : IDisposable
{
    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>What gives the plan back.</summary>
    internal Action<KernelPlan>? Return { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Return?.Invoke(this);
        GC.SuppressFinalize(this);
    }

    internal abstract bool Serves(int batch, int time, bool keep);

    internal abstract void Free();
}

/// <summary>The workspaces of a kernel that wait for the next call, so that memory is not allocated for every batch.</summary>
/// <typeparam name="TPlan">The plans.</typeparam>
internal sealed class PlanStore<TPlan> : IDisposable
    where TPlan : KernelPlan
{
    private readonly List<TPlan> _free = [];

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
    public TPlan Take(int batch, int time, bool keep, Func<TPlan> make)
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
        }

        var plan = make();
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

    private void Return(KernelPlan plan)
    {
        lock (_free)
        {
            _free.Add((TPlan)plan);
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
