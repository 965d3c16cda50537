namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that go through a Neural Turing Machine in step. Beside what every <see cref="MemoryGroup{T}"/> keeps, the
/// state of memory and weightings every few steps: see <see cref="NtmWindow{T}"/>.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe partial class NtmGroup<T> : WindowedGroup<T>
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;
    private readonly NtmInterface _interface;
    private readonly NtmAddressing<T> _addressing;
    private readonly MemoryMatrix<T> _memory;
    private readonly HeadPlaces[] _places;
    private readonly NtmWindow<T> _window;
    private readonly NtmCarry<T>? _carry;
    private readonly NtmPrice<T>? _price;
    private readonly double[] _cost;
    private readonly int _slots;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="clock">Measures the phases, if given.</param>
    public NtmGroup(
        NtmShape shape, NtmNetwork<T> weights, int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock)
        : base(shape, weights, firstSequence, sequences, plan, clock)
    {
        _shape = shape;
        _interface = new NtmInterface(shape);
        _addressing = new NtmAddressing<T>(shape);
        _memory = new MemoryMatrix<T>(shape);
        _places = [.. Enumerable.Range(0, shape.Heads).Select(_interface.Places)];
        _window = new NtmWindow<T>(shape, RowCount, plan);
        _carry = plan.Keep ? new NtmCarry<T>(shape, RowCount) : null;
        _slots = Rows.Padded<T>(shape.Slots);
        _price = shape.HasPrice ? new NtmPrice<T>(shape) : null;
        _cost = new double[Sequences];
        _costGradient = new float[Sequences];
        _focus = new int[Sequences * shape.Heads];
        if (shape.Discretise && plan.Keep)
        {
            throw new InvalidOperationException("Heads on one slot alone have no backward pass.");
        }
    }

    /// <inheritdoc/>
    protected override StateWindow Window => _window;

    /// <inheritdoc/>
    protected override long MemoryBytes => _window.Bytes + (_carry?.Bytes ?? 0);

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _addressing.Dispose();
        _window.Dispose();
        _carry?.Dispose();
    }

    /// <inheritdoc/>
    protected override void StartMemory(int row, MemoryState start)
    {
        var sequence = FirstSequence + row;
        var memory = _window.Memory(0, row, after: false);
        _memory.FromSlots(start.Memory.Of(sequence), memory);
        _memory.Norms(memory, _window.Norms(0, row, after: false));
        for (var head = 0; head < _shape.Heads; head++)
        {
            var weighting = _window.Weighting(0, row, head, after: false);
            Floats.Clear(weighting, _slots);
            Floats.Copy(OfHead(start, sequence, head), weighting, _shape.Slots);
            if (_shape.Discretise)
            {
                FindFocus(row, head, weighting);
            }
        }

        _cost[row] = _price is null ? 0 : *start.Carried(NtmShape.Price).Of(sequence);
    }

    /// <inheritdoc/>
    protected override void Activate(float* values) => _interface.Forward<T>(values);

    /// <inheritdoc/>
    protected override void MemoryForward(int t, int row)
    {
        if (_shape.Discretise)
        {
            FocusForward(t, row);
        }
        else
        {
            AddressAndWrite(t, row, KernelPhase.Addressing, KernelPhase.Memory);
            _memory.ReadForward(
                _window.Memory(t, row, after: true), _window.Weighting(t, row, 0, after: true), Reads(t + 1, row));
        }

        if (IsFirstPass && _price is { } price)
        {
            var values = Values(t, row);
            _cost[row] += price.Forward(
                _window.Weighting(t, row, 0, after: true), values + _interface.EraseStart, values + _interface.AddStart);
        }

        Clock?.Lap(KernelPhase.Memory);
    }

    /// <inheritdoc/>
    protected override void FinishMemory(int steps, int row, MemoryState final)
    {
        var sequence = FirstSequence + row;
        _memory.ToSlots(_window.Memory(steps - 1, row, after: true), final.Memory.Of(sequence));
        for (var head = 0; head < _shape.Heads; head++)
        {
            Floats.Copy(_window.Weighting(steps - 1, row, head, after: true), OfHead(final, sequence, head), _shape.Slots);
        }

        if (_price is not null)
        {
            *final.Carried(NtmShape.Price).Of(sequence) = (float)_cost[row];
        }
    }

    /// <inheritdoc/>
    protected override void GiveTrace(MemoryTrace trace, long step, int t)
    {
        var written = _shape.WriteHeads * _shape.Width;
        for (var head = 0; head < _shape.Heads; head++)
        {
            var target = trace.Weightings + (((step * _shape.Heads) + head) * _shape.Slots);
            Floats.Copy(_window.Weighting(t, 0, head, after: true), target, _shape.Slots);
        }

        Floats.Copy(Reads(t + 1), trace.Reads + (step * _shape.ReadWidth), _shape.ReadWidth);
        Floats.Copy(Values(t) + _interface.EraseStart, trace.Erase + (step * written), written);
        Floats.Copy(Values(t) + _interface.AddStart, trace.Add + (step * written), written);
    }

    /// <inheritdoc/>
    protected override void AddressAndWrite(int t, int row, KernelPhase addressing, KernelPhase writing)
    {
        for (var head = _shape.ReadHeads; head < _shape.Heads; head++)
        {
            Address(head, t, row, afterWrite: false);
        }

        Clock?.Lap(addressing);
        _memory.WriteForward(
            _window.Memory(t, row, after: false),
            _window.Weighting(t, row, _shape.ReadHeads, after: true),
            Values(t, row) + _interface.EraseStart,
            Values(t, row) + _interface.AddStart,
            _window.Memory(t, row, after: true),
            _window.Norms(t, row, after: true));
        Clock?.Lap(writing);
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            Address(head, t, row, afterWrite: true);
        }

        Clock?.Lap(addressing);
    }

    private void Address(int head, int t, int row, bool afterWrite) =>
        _addressing.Forward(
            new HeadValues(Values(t, row), _places[head]),
            _window.Memory(t, row, afterWrite),
            _window.Norms(t, row, afterWrite),
            _window.Weighting(t, row, head, after: false),
            _window.Kept(t, row, head),
            _window.Weighting(t, row, head, after: true));

    private float* OfHead(MemoryState state, int sequence, int head) => head < _shape.ReadHeads
        ? state.Carried(NtmShape.ReadWeightings).Of(sequence) + ((long)head * _shape.Slots)
        : state.Carried(NtmShape.WriteWeightings).Of(sequence) + ((long)(head - _shape.ReadHeads) * _shape.Slots);
}
