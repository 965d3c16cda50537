namespace NtmLab.Kernels;

/// <summary>
/// Leads groups of sequences through time, segment by segment, forward and backward. Groups are shared among threads; none
/// knows of another.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class SegmentedPass<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly SequenceGroup<T>[] _groups;
    private readonly NativeBuffer[] _boundaries;
    private readonly SegmentPlan _plan;
    private readonly int _threads;

    /// <summary>Makes room for the boundaries.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="threads">Threads that the groups are shared among.</param>
    public SegmentedPass(SequenceGroup<T>[] groups, SegmentPlan plan, int threads)
    {
        _groups = groups;
        _plan = plan;
        _threads = threads;
        _boundaries = [.. groups.Select(group => new NativeBuffer(plan.Boundaries * group.BoundarySize))];
    }

    /// <summary>Bytes held, those of the groups with them.</summary>
    public long Bytes => _groups.Sum(group => group.Bytes) + _boundaries.Sum(boundary => boundary.Bytes);

    /// <summary>From the start to the end.</summary>
    /// <param name="time">Steps.</param>
    public void Forward(int time) => ForEachGroup(index =>
    {
        var group = _groups[index];
        group.Start();
        for (var first = 0; first < time; first += _plan.Segment)
        {
            if (first > 0)
            {
                var boundary = BoundaryOf(index, first);
                group.Save(_plan.Segment, boundary);
                group.Restore(boundary);
            }

            var steps = Math.Min(_plan.Segment, time - first);
            group.Forward(first, steps);
            group.GiveOut(first, steps);
        }

        group.Finish(((time - 1) % _plan.Segment) + 1);
    });

    /// <summary>From the end to the start; after <see cref="Forward"/>, once only.</summary>
    /// <param name="time">Steps.</param>
    public void Backward(int time) => ForEachGroup(index =>
    {
        var group = _groups[index];
        group.BeginBackward();
        var last = (time - 1) / _plan.Segment * _plan.Segment;
        for (var first = last; first >= 0; first -= _plan.Segment)
        {
            var steps = Math.Min(_plan.Segment, time - first);
            if (first < last)
            {
                if (first > 0)
                {
                    group.Restore(BoundaryOf(index, first));
                }
                else
                {
                    group.Start();
                }

                group.Forward(first, steps);
            }

            group.Backward(first, steps);
        }

        group.EndBackward();
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in _groups.Concat<IDisposable>(_boundaries))
        {
            held.Dispose();
        }
    }

    private float* BoundaryOf(int index, int first) =>
        _boundaries[index].Pointer + (_plan.Keep ? first / _plan.Segment * _groups[index].BoundarySize : 0);

    private void ForEachGroup(Action<int> work)
    {
        if (_threads == 1 || _groups.Length == 1)
        {
            for (var i = 0; i < _groups.Length; i++)
            {
                work(i);
            }
        }
        else
        {
            Parallel.For(0, _groups.Length, new ParallelOptions { MaxDegreeOfParallelism = _threads }, work);
        }
    }
}
