namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that go through a Differentiable Neural Computer in step. Beside what every <see cref="MemoryGroup{T}"/> keeps,
/// the state of memory and addressing every few steps: see <see cref="DncWindow{T}"/>. In each step usage, the write weighting and
/// the links come first, from the memory as it was; then the write; then the read weightings, from the memory as it is.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe partial class DncGroup<T> : WindowedGroup<T>
    where T : unmanaged, ILanes<T>
{
    private readonly DncShape _shape;
    private readonly DncInterface<T> _interface;
    private readonly SlotSoftmax<T> _softmax;
    private readonly ContentAddressing<T> _content;
    private readonly DncUsage<T> _usage;
    private readonly DncWeightings<T> _weightings;
    private readonly DncLinks<T> _links;
    private readonly MemoryMatrix<T> _memory;
    private readonly DncWindow<T> _window;
    private readonly DncCarry<T>? _carry;
    private readonly int _padded;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="clock">Measures the phases, if given.</param>
    public DncGroup(
        DncShape shape, DncNetwork<T> weights, int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock)
        : base(shape, weights, firstSequence, sequences, plan, clock)
    {
        _shape = shape;
        _interface = new DncInterface<T>(shape);
        _softmax = new SlotSoftmax<T>(shape.Slots);
        _content = new ContentAddressing<T>(shape, _softmax);
        _usage = new DncUsage<T>(shape);
        _weightings = new DncWeightings<T>(shape);
        _links = new DncLinks<T>(shape);
        _memory = new MemoryMatrix<T>(shape);
        _window = new DncWindow<T>(shape, RowCount, plan);
        _carry = plan.Keep ? new DncCarry<T>(shape, RowCount) : null;
        _padded = Rows.Padded<T>(shape.Slots);
    }

    /// <inheritdoc/>
    protected override StateWindow Window => _window;

    /// <inheritdoc/>
    protected override long MemoryBytes => _window.Bytes + (_carry?.Bytes ?? 0);

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach (var held in new IDisposable[] { _softmax, _usage, _links, _window })
        {
            held.Dispose();
        }

        _carry?.Dispose();
    }

    /// <summary>The padding of every part is 0, and stays so where nothing overflows.</summary>
    protected override void StartMemory(int row, MemoryState start)
    {
        var sequence = FirstSequence + row;
        var state = _window.State(0, row, after: false);
        _memory.FromSlots(start.Memory.Of(sequence), state.Memory);
        _memory.Norms(state.Memory, state.Norms);
        foreach (var part in Parts(state))
        {
            Floats.Clear(part.Own, _padded);
            Floats.Copy(start.Carried(part.Index).Of(sequence) + part.Offset, part.Own, _shape.Slots);
        }
    }

    /// <inheritdoc/>
    protected override void Activate(float* values) => _interface.Forward(values);

    /// <inheritdoc/>
    protected override void MemoryForward(int t, int row)
    {
        AddressAndWrite(t, row, KernelPhase.Addressing, KernelPhase.Memory);
        var state = _window.State(t, row, after: true);
        _memory.ReadForward(state.Memory, state.Reads, Reads(t + 1, row));
        Clock?.Lap(KernelPhase.Memory);
    }

    /// <inheritdoc/>
    protected override void FinishMemory(int steps, int row, MemoryState final)
    {
        var sequence = FirstSequence + row;
        var state = _window.State(steps - 1, row, after: true);
        _memory.ToSlots(state.Memory, final.Memory.Of(sequence));
        foreach (var part in Parts(state))
        {
            Floats.Copy(part.Own, final.Carried(part.Index).Of(sequence) + part.Offset, _shape.Slots);
        }
    }

    /// <inheritdoc/>
    protected override void GiveTrace(MemoryTrace trace, long step, int t)
    {
        var state = _window.State(t, 0, after: true);
        var target = trace.Weightings + (step * _shape.Heads * _shape.Slots);
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            Floats.Copy(state.Reads + ((long)head * _padded), target + ((long)head * _shape.Slots), _shape.Slots);
        }

        Floats.Copy(state.Write, target + ((long)_shape.ReadHeads * _shape.Slots), _shape.Slots);
        Floats.Copy(Reads(t + 1), trace.Reads + (step * _shape.ReadWidth), _shape.ReadWidth);
        Floats.Copy(Values(t) + _interface.Erase, trace.Erase + (step * _shape.Width), _shape.Width);
        Floats.Copy(Values(t) + _interface.Vector, trace.Add + (step * _shape.Width), _shape.Width);
    }

    /// <inheritdoc/>
    protected override void AddressAndWrite(int t, int row, KernelPhase addressing, KernelPhase writing)
    {
        var (last, state) = (_window.State(t, row, after: false), _window.State(t, row, after: true));
        var kept = _window.Kept(t, row);
        var values = Values(t, row);
        AddressWrite(values, last, state, kept);
        Clock?.Lap(addressing);
        _memory.WriteForward(
            last.Memory, state.Write, values + _interface.Erase, values + _interface.Vector, state.Memory, state.Norms);
        Clock?.Lap(writing);
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            AddressRead(head, values, last, state, kept);
        }

        Clock?.Lap(addressing);
    }

    /// <summary>Without a backward pass the last state is this one: what is still wanted of it is used before it is changed.</summary>
    private void AddressWrite(float* values, DncState last, DncState state, DncKept kept)
    {
        _usage.Forward(values + _interface.FreeGates, last.Reads, last.Write, last.Usage, kept.Retention, state.Usage);
        _usage.Allocate(state.Usage, kept.Order, kept.Allocation);
        Look(
            values + _interface.WriteKey, values[_interface.WriteStrength], last, kept.WriteSimilarity, kept.WriteContent);
        _weightings.Write(
            values[_interface.WriteGate], values[_interface.AllocationGate], kept.Allocation, kept.WriteContent, state.Write);
        if (_shape.Links)
        {
            _links.Update(state.Write, last.Precedence, last.Links, state.Precedence, state.Links);
        }
    }

    private void AddressRead(int head, float* values, DncState last, DncState state, DncKept kept)
    {
        var at = (long)head * _padded;
        var content = kept.Content(head);
        Look(
            values + (head * _shape.Width),
            values[_interface.ReadStrengths + head],
            state,
            kept.Similarity(head),
            content);
        if (_shape.Links)
        {
            float* backward = kept.Backward(head), forward = kept.Forward(head);
            _links.Follow(state.Links, last.Reads + at, backward, forward);
            _weightings.Read(
                values + _interface.Modes + (head * DncShape.Modes), backward, content, forward, state.Reads + at);
        }
        else
        {
            Floats.Copy(content, state.Reads + at, _padded);
        }
    }

    /// <summary>A content weighting.</summary>
    private void Look(float* key, float strength, DncState state, float* similarity, float* content) =>
        _softmax.Weights(
            content, _content.Exponentials(key, strength, state.Memory, state.Norms, similarity, content));

    /// <summary>Every row of slots that addressing carries, in the order of the state.</summary>
    private List<DncPart> Parts(DncState state)
    {
        List<DncPart> parts = [new(DncShape.Usage, 0, state.Usage)];
        void AddRows(int index, int rows, float* own)
        {
            for (var i = 0L; i < rows; i++)
            {
                parts.Add(new DncPart(index, i * _shape.Slots, own + (i * _padded)));
            }
        }

        AddRows(DncShape.ReadWeightings, _shape.ReadHeads, state.Reads);
        AddRows(DncShape.WriteWeighting, 1, state.Write);
        if (_shape.Links)
        {
            AddRows(DncShape.Precedence, 1, state.Precedence);
            AddRows(DncShape.LinkMatrix, _shape.Slots, state.Links);
        }

        return parts;
    }
}
