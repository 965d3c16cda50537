namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that go through a sparse access memory in step. Each memory exists once and changes in place; the backward
/// pass takes it back step by step with the <see cref="SparseJournal"/>, and where a segment is computed again, its slots are
/// those that were chosen the first time.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class SparseGroup<T> : MemoryGroup<T>
    where T : unmanaged, ILanes<T>
{
    private readonly SparseShape _shape;
    private readonly SparseInterface<T> _interface;
    private readonly SparseAccess<T>[] _memories;
    private int _first;
    private int _taken;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="clock">Measures the phases, if given.</param>
    public SparseGroup(
        SparseShape shape, SparseNetwork<T> weights, int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock)
        : base(shape, weights, firstSequence, sequences, plan, clock)
    {
        _shape = shape;
        _interface = new SparseInterface<T>(shape);
        _memories = [.. Enumerable.Range(0, sequences).Select(_ =>
            new SparseAccess<T>(shape, _interface, plan, Search))];
    }

    /// <summary>Nothing: the journal takes the memory back.</summary>
    protected override long MemoryBoundarySize => 0;

    /// <inheritdoc/>
    protected override long MemoryBytes => _memories.Sum(memory => memory.Bytes);

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach (var memory in _memories)
        {
            memory.Dispose();
        }
    }

    /// <inheritdoc/>
    protected override void StartMemory(int row, MemoryState start)
    {
        if (!IsFirstPass)
        {
            return;
        }

        _taken = 0;
        if (start.Memory.Values is null)
        {
            _memories[row].Start();
        }
        else
        {
            var sequence = FirstSequence + row;
            _memories[row].Start(
                start.Memory.Of(sequence),
                start.Carried(SparseShape.ReadWeightings).Of(sequence),
                start.Carried(SparseShape.Usage).Of(sequence));
        }
    }

    /// <summary>The memory stays where it is.</summary>
    protected override void SaveMemory(int step, float* boundary)
    {
    }

    /// <summary>The memory is taken back when the segment begins.</summary>
    protected override void RestoreMemory(float* boundary)
    {
    }

    /// <inheritdoc/>
    protected override void BeginMemory(int first)
    {
        _first = first;
        for (; _taken > first; _taken--)
        {
            foreach (var memory in _memories)
            {
                memory.Undo(_taken - 1);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Activate(float* values) => _interface.Forward(values);

    /// <inheritdoc/>
    protected override void MemoryForward(int t, int row)
    {
        var memory = _memories[row];
        var step = _first + t;
        var values = Values(t, row);
        _taken = step + 1;
        memory.Write(step, values, IsFirstPass);
        Clock?.Lap(KernelPhase.Memory);
        if (IsFirstPass)
        {
            memory.Choose(step, values);
            Clock?.Lap(KernelPhase.Addressing);
        }

        memory.Read(step, values, IsFirstPass, Reads(t + 1, row));
        Clock?.Lap(KernelPhase.Memory);
    }

    /// <inheritdoc/>
    protected override void FinishMemory(int steps, int row, MemoryState final)
    {
        var sequence = FirstSequence + row;
        _memories[row].Finish(
            _taken,
            final.Memory.Of(sequence),
            final.Carried(SparseShape.ReadWeightings).Of(sequence),
            final.Carried(SparseShape.Usage).Of(sequence));
    }

    /// <inheritdoc/>
    protected override void GiveTrace(MemoryTrace trace, long step, int t)
    {
        var written = _shape.Writes * _shape.Width;
        var added = _shape.ReadHeads * _shape.Width;
        var erase = trace.Erase + (step * written);
        var add = trace.Add + (step * written);
        _memories[0].Trace((int)step, Values(t), trace.Weightings + (step * _shape.Heads * _shape.Slots));
        Floats.Copy(Reads(t + 1), trace.Reads + (step * _shape.ReadWidth), _shape.ReadWidth);
        Floats.Clear(erase, added);
        new Span<float>(erase + added, _shape.Width).Fill(1f);
        Floats.Copy(Values(t) + _interface.Adds, add, added);
        Floats.Clear(add + added, _shape.Width);
    }

    /// <inheritdoc/>
    protected override void ClearMemoryGradients()
    {
        foreach (var memory in _memories)
        {
            memory.ClearGradients();
        }
    }

    /// <summary>The memory stands where the step left it.</summary>
    protected override void BeginMemoryBackward(int t, int steps)
    {
    }

    /// <inheritdoc/>
    protected override void MemoryBackward(int t, int row, float* valueGradients)
    {
        var memory = _memories[row];
        var step = _first + t;
        var values = Values(t, row);
        memory.ReadBackward(step, values, ReadGradients(row), valueGradients);
        Clock?.Lap(KernelPhase.AddressingBackward);
        memory.WriteBackward(step, values, valueGradients, step == 0 ? StartReadGradients(row) : null);
        memory.Undo(step);
        _taken = step;
        Clock?.Lap(KernelPhase.MemoryBackward);
        _interface.Backward(values, valueGradients);
    }

    /// <inheritdoc/>
    protected override void ExchangeMemoryGradients(int row, MemoryState state, bool takeIn)
    {
        var sequence = FirstSequence + row;
        var memory = state.Memory is { Values: not null, IsShared: false } ? state.Memory.Of(sequence) : null;
        if (takeIn)
        {
            var weightings = state.Carried(SparseShape.ReadWeightings);
            _memories[row].TakeInGradients(_taken, memory, weightings.Values is null ? null : weightings.Of(sequence));
            return;
        }

        if (memory is not null)
        {
            _memories[row].GiveOutGradients(memory);
        }

        // No gradient passes through the choice of slots, all that usage is for.
        if (state.Carried(SparseShape.Usage) is { Values: not null, IsShared: false } usage)
        {
            Floats.Clear(usage.Of(sequence), _shape.Slots);
        }
    }

    private ISlotSearch Search(SparseMemory<T> memory) => _shape.IndexAbove < _shape.Slots
        ? new IndexedSearch<T>(_shape, memory)
        : new SlotScan<T>(_shape, memory);

    private float* StartReadGradients(int row) =>
        BackwardCall.StartGradients is { } parts
        && new MemoryState(parts, _shape.AddressingParts).Carried(SparseShape.ReadWeightings)
            is { Values: not null, IsShared: false } weightings
            ? weightings.Of(FirstSequence + row)
            : null;
}
