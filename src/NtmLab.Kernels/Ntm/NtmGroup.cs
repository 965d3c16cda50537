namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that go through a Neural Turing Machine in step. Kept per step and sequence (index t of a segment;
/// states have one more, the start), beside what the controller's layers keep:
/// <list type="bullet">
/// <item>reads: input of the products with the first layer's and the output's weights;</item>
/// <item>interface values, activated (their gradients in the backward pass);</item>
/// <item>the state of memory and weightings every few steps: see <see cref="NtmWindow{T}"/>.</item>
/// </list>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe partial class NtmGroup<T> : SequenceGroup<T>
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;
    private readonly NtmNetwork<T> _weights;
    private readonly NtmInterface _interface;
    private readonly NtmAddressing<T> _addressing;
    private readonly NtmMemory<T> _memory;
    private readonly HeadPlaces[] _places;
    private readonly RecurrentLayer<T>[] _layers;
    private readonly PhaseClock? _clock;
    private readonly LayerStates<T> _states;
    private readonly NtmWindow<T> _window;
    private readonly NtmCarry<T>? _carry;
    private readonly NtmGradients<T>? _gradients;

    private readonly int _slots;
    private readonly int _inputStride;
    private readonly int _readStride;
    private readonly int _valueStride;
    private readonly int _outputStride;

    private readonly NativeBuffer _inputs;
    private readonly NativeBuffer _reads;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _outputs;
    private readonly NativeBuffer[] _buffers;


    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="clock">Measures the phases, if given.</param>
    public NtmGroup(
        NtmShape shape, NtmNetwork<T> weights, int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock)
        : base(firstSequence, sequences)
    {
        _clock = clock;
        _shape = shape;
        _weights = weights;
        _interface = new NtmInterface(shape);
        _addressing = new NtmAddressing<T>(shape);
        _memory = new NtmMemory<T>(shape);
        _places = [.. Enumerable.Range(0, shape.Heads).Select(_interface.Places)];
        _window = new NtmWindow<T>(shape, RowCount, plan);
        _slots = Rows.Padded<T>(shape.Slots);
        _inputStride = Rows.Padded<T>(shape.Inputs);
        _readStride = Rows.Padded<T>(shape.ReadWidth);
        _valueStride = Rows.Padded<T>(shape.InterfaceSize);
        _outputStride = Rows.Padded<T>(shape.Outputs);
        _layers = [.. weights.Layers.Select(layer => new RecurrentLayer<T>(layer, RowCount, plan.Segment))];
        _states = new LayerStates<T>(_layers, shape.Units, firstSequence);
        if (plan.Keep)
        {
            _carry = new NtmCarry<T>(shape, RowCount);
            _gradients = new NtmGradients<T>(shape);
        }

        var steps = (long)plan.Segment * RowCount;
        var states = steps + RowCount;
        _inputs = new NativeBuffer(steps * _inputStride);
        _reads = new NativeBuffer(states * _readStride);
        _values = new NativeBuffer(steps * _valueStride);
        _outputs = new NativeBuffer(steps * _outputStride);
        _buffers = [_inputs, _reads, _values, _outputs];
    }

    /// <inheritdoc/>
    public override long BoundarySize =>
        ((long)RowCount * _readStride) + _window.BoundarySize + _layers.Sum(layer => layer.BoundarySize);

    /// <inheritdoc/>
    public override long Bytes =>
        _buffers.Sum(buffer => buffer.Bytes) + _window.Bytes + _layers.Sum(layer => layer.Bytes)
        + (_carry?.Bytes ?? 0) + (_gradients?.Bytes ?? 0);

    /// <inheritdoc/>
    public override NetworkGradients<T> Gradients => _gradients!;

    /// <inheritdoc/>
    public override void Start()
    {
        foreach (var layer in _layers)
        {
            layer.ClearStart();
        }

        Floats.Clear(Reads(0), (long)RowCount * _readStride);
        var start = new NtmState(Call.Start);
        for (var row = 0; row < Sequences; row++)
        {
            var sequence = FirstSequence + row;
            _states.TakeIn(Call.Start, row);
            Floats.Copy(start.Reads.Of(sequence), Reads(0, row), _shape.ReadWidth);
            var memory = _window.Memory(0, row, after: false);
            _memory.FromSlots(start.Memory.Of(sequence), memory);
            _memory.Norms(memory, _window.Norms(0, row, after: false));
            for (var head = 0; head < _shape.Heads; head++)
            {
                var weighting = _window.Weighting(0, row, head, after: false);
                Floats.Clear(weighting, _slots);
                Floats.Copy(OfHead(start, sequence, head), weighting, _shape.Slots);
            }
        }
    }

    /// <inheritdoc/>
    public override void Save(int step, float* boundary)
    {
        boundary = ExchangeLayers(step, boundary, save: true);
        _window.Save(step, boundary);
    }

    /// <inheritdoc/>
    public override void Restore(float* boundary)
    {
        boundary = ExchangeLayers(0, boundary, save: false);
        _window.Restore(boundary);
    }

    /// <inheritdoc/>
    public override void Forward(int first, int steps)
    {
        Gather(Call.Input, first, steps, _shape.Inputs, _inputs.Pointer, _inputStride);
        foreach (var layer in _layers)
        {
            layer.Begin(steps);
        }

        for (var i = 0L; i < (long)steps * RowCount; i++)
        {
            Floats.Copy(_weights.InterfaceBias.Pointer, _values.Pointer + (i * _valueStride), _valueStride);
        }

        _clock?.Lap(KernelPhase.Copying);
        var top = _layers[^1];
        _layers[0].AddInput(0, steps, _inputs.Pointer, _inputStride);
        for (var t = 0; t < steps; t++)
        {
            _layers[0].AddReads(t, Reads(t), _readStride);
            _layers[0].Forward(t);
            for (var i = 1; i < _layers.Length; i++)
            {
                _layers[i].AddInput(t, 1, _layers[i - 1].Hidden(t + 1), _layers[i - 1].HiddenStride);
                _layers[i].Forward(t);
            }

            _clock?.Lap(KernelPhase.Controller);
            MatrixProduct<T>.Multiply(
                RowCount, top.Hidden(t + 1), top.HiddenStride, _weights.Interface, Values(t), _valueStride, accumulate: true);
            for (var row = 0; row < Sequences; row++)
            {
                _interface.Forward<T>(Values(t, row));
            }

            _clock?.Lap(KernelPhase.Interface);
            for (var row = 0; row < Sequences; row++)
            {
                MemoryForward(t, row, KernelPhase.Addressing, KernelPhase.Memory);
                _memory.ReadForward(
                    _window.Memory(t, row, after: true), _window.Weighting(t, row, 0, after: true), Reads(t + 1, row));
                _clock?.Lap(KernelPhase.Memory);
            }

            if (FirstSequence == 0 && IsFirstPass && Call.Trace is { } trace)
            {
                GiveTrace(trace, first + t, t);
            }
        }
    }

    /// <inheritdoc/>
    public override void GiveOut(int first, int steps)
    {
        var rows = steps * RowCount;
        var top = _layers[^1];
        for (var i = 0L; i < rows; i++)
        {
            Floats.Copy(_weights.OutputBias.Pointer, _outputs.Pointer + (i * _outputStride), _outputStride);
        }

        MatrixProduct<T>.Multiply(
            rows, top.Hidden(1), top.HiddenStride, _weights.Output, _outputs.Pointer, _outputStride, accumulate: true);
        MatrixProduct<T>.Multiply(
            rows, Reads(1), _readStride, _weights.ReadsOutput, _outputs.Pointer, _outputStride, accumulate: true);
        _clock?.Lap(KernelPhase.Logits);
        Scatter(_outputs.Pointer, _outputStride, Call.Output, first, steps, _shape.Outputs);
    }

    /// <inheritdoc/>
    public override void Finish(int steps)
    {
        if (Call.Final is not { } state)
        {
            return;
        }

        var final = new NtmState(state);
        for (var row = 0; row < Sequences; row++)
        {
            var sequence = FirstSequence + row;
            _states.GiveOut(state, row, steps);
            Floats.Copy(Reads(steps, row), final.Reads.Of(sequence), _shape.ReadWidth);
            _memory.ToSlots(_window.Memory(steps - 1, row, after: true), final.Memory.Of(sequence));
            for (var head = 0; head < _shape.Heads; head++)
            {
                Floats.Copy(_window.Weighting(steps - 1, row, head, after: true), OfHead(final, sequence, head), _shape.Slots);
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var held in _buffers.Concat<IDisposable>(_layers).Append(_addressing).Append(_window))
        {
            held.Dispose();
        }

        _carry?.Dispose();
        _gradients?.Dispose();
    }

    private float* ExchangeLayers(int step, float* boundary, bool save)
    {
        foreach (var layer in _layers)
        {
            boundary = layer.Exchange(step, boundary, save);
        }

        return Boundary.Exchange(Reads(step), boundary, (long)RowCount * _readStride, save);
    }

    /// <summary>Addresses with the write heads, writes, and addresses with the read heads.</summary>
    /// <param name="t">The step in the segment.</param>
    /// <param name="row">The row.</param>
    /// <param name="addressing">The phase that addressing counts as.</param>
    /// <param name="writing">The phase that writing counts as.</param>
    private void MemoryForward(int t, int row, KernelPhase addressing, KernelPhase writing)
    {
        for (var head = _shape.ReadHeads; head < _shape.Heads; head++)
        {
            Address(head, t, row, afterWrite: false);
        }

        _clock?.Lap(addressing);
        _memory.WriteForward(
            _window.Memory(t, row, after: false),
            _window.Weighting(t, row, _shape.ReadHeads, after: true),
            Values(t, row) + _interface.EraseStart,
            Values(t, row) + _interface.AddStart,
            _window.Memory(t, row, after: true),
            _window.Norms(t, row, after: true));
        _clock?.Lap(writing);
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            Address(head, t, row, afterWrite: true);
        }

        _clock?.Lap(addressing);
    }

    private void Address(int head, int t, int row, bool afterWrite) =>
        _addressing.Forward(
            new HeadValues(Values(t, row), _places[head]),
            _window.Memory(t, row, afterWrite),
            _window.Norms(t, row, afterWrite),
            _window.Weighting(t, row, head, after: false),
            _window.Kept(t, row, head),
            _window.Weighting(t, row, head, after: true));

    /// <summary>Gives out what the heads of the first row did in step t of the segment.</summary>
    private void GiveTrace(NtmTrace trace, long step, int t)
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

    private float* OfHead(NtmState state, int sequence, int head) => head < _shape.ReadHeads
        ? state.ReadWeightings.Of(sequence) + ((long)head * _shape.Slots)
        : state.WriteWeightings.Of(sequence) + ((long)(head - _shape.ReadHeads) * _shape.Slots);

    private float* Reads(int t, int row = 0) => _reads.Pointer + ((((long)t * RowCount) + row) * _readStride);

    private float* Values(int t, int row = 0) => _values.Pointer + ((((long)t * RowCount) + row) * _valueStride);

    private float* Output(int t, int row) => _outputs.Pointer + ((((long)t * RowCount) + row) * _outputStride);
}
