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
internal sealed unsafe partial class NtmGroup<T> : SequenceGroup
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;
    private readonly NtmWeights<T> _weights;
    private readonly NtmInterface _interface;
    private readonly NtmAddressing<T> _addressing;
    private readonly NtmMemory<T> _memory;
    private readonly HeadPlaces[] _places;
    private readonly RecurrentLayer<T>[] _layers;
    private readonly PhaseClock? _clock;
    private readonly LayerStart<T> _start;
    private readonly NtmWindow<T> _window;
    private readonly NtmCarry<T>? _carry;
    private readonly NtmGradients<T>? _gradients;

    private readonly int _firstSequence;
    private readonly int _sequences;
    private readonly int _rows;
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

    private NtmCall? _call;
    private NtmTrace? _trace;
    private NtmBackwardCall? _backwardCall;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences; at most <see cref="Most"/>.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="clock">Measures the phases, if given.</param>
    public NtmGroup(
        NtmShape shape, NtmWeights<T> weights, int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock)
    {
        _clock = clock;
        _shape = shape;
        _weights = weights;
        _interface = new NtmInterface(shape);
        _addressing = new NtmAddressing<T>(shape);
        _memory = new NtmMemory<T>(shape);
        _places = [.. Enumerable.Range(0, shape.Heads).Select(_interface.Places)];
        _firstSequence = firstSequence;
        _sequences = sequences;
        _rows = RowsOf(sequences);
        _window = new NtmWindow<T>(shape, _rows, plan);
        _slots = Rows.Padded<T>(shape.Slots);
        _inputStride = Rows.Padded<T>(shape.Inputs);
        _readStride = Rows.Padded<T>(shape.ReadWidth);
        _valueStride = Rows.Padded<T>(shape.InterfaceSize);
        _outputStride = Rows.Padded<T>(shape.Outputs);
        _layers = [.. weights.Layers.Select(layer => new RecurrentLayer<T>(layer, _rows, plan.Segment))];
        _start = new LayerStart<T>(_layers, shape.Units, firstSequence);
        if (plan.Keep)
        {
            _carry = new NtmCarry<T>(shape, _rows);
            _gradients = new NtmGradients<T>(shape);
        }

        var steps = (long)plan.Segment * _rows;
        var states = steps + _rows;
        _inputs = new NativeBuffer(steps * _inputStride);
        _reads = new NativeBuffer(states * _readStride);
        _values = new NativeBuffer(steps * _valueStride);
        _outputs = new NativeBuffer(steps * _outputStride);
        _buffers = [_inputs, _reads, _values, _outputs];
    }

    /// <summary>The most sequences of a group: with more, a run of steps no longer fits into the second-level cache.</summary>
    public static int Most => MatrixProduct<T>.RowBlock;

    /// <inheritdoc/>
    public override long BoundarySize =>
        ((long)_rows * _readStride) + _window.BoundarySize + _layers.Sum(layer => layer.BoundarySize);

    /// <inheritdoc/>
    public override long Bytes =>
        _buffers.Sum(buffer => buffer.Bytes) + _window.Bytes + _layers.Sum(layer => layer.Bytes)
        + (_carry?.Bytes ?? 0) + (_gradients?.Bytes ?? 0);

    /// <summary>The parameters' gradients, after the backward pass.</summary>
    public NtmGradients<T> Gradients => _gradients!;

    /// <summary>Bytes that one step of one group of this many sequences keeps.</summary>
    public static long BytesPerStep(NtmShape shape, int sequences)
    {
        var rows = RowsOf(sequences);
        var layers = Enumerable.Range(0, shape.Layers).Sum(i => RecurrentLayer<T>.FloatsPerStep(shape.Layer(i)));
        var perRow = Rows.Padded<T>(shape.Inputs) + Rows.Padded<T>(shape.Outputs) + Rows.Padded<T>(shape.InterfaceSize)
            + Rows.Padded<T>(shape.ReadWidth) + layers;
        return ((perRow * rows) + NtmWindow<T>.FloatsPerStep(shape, rows)) * sizeof(float);
    }

    /// <summary>Names the batch that the next forward pass is of.</summary>
    public void Take(NtmCall call)
    {
        _call = call;
        _trace = _firstSequence == 0 ? call.Trace : null;
    }

    /// <summary>Names the backward pass that comes next.</summary>
    public void Take(NtmBackwardCall call) => _backwardCall = call;

    /// <inheritdoc/>
    public override void Start()
    {
        foreach (var layer in _layers)
        {
            layer.ClearStart();
        }

        Floats.Clear(Reads(0), (long)_rows * _readStride);
        var start = _call!.Start;
        for (var row = 0; row < _sequences; row++)
        {
            var sequence = _firstSequence + row;
            _start.TakeIn(start.Hidden, start.Cells, row);
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
        GatherInputs(first, steps);
        foreach (var layer in _layers)
        {
            layer.Begin(steps);
        }

        for (var i = 0L; i < (long)steps * _rows; i++)
        {
            Floats.Copy(_weights.InterfaceBias.Pointer, _values.Pointer + (i * _valueStride), _valueStride);
        }

        _clock?.Lap(NtmPhase.Copying);
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

            _clock?.Lap(NtmPhase.Controller);
            MatrixProduct<T>.Multiply(
                _rows, top.Hidden(t + 1), top.HiddenStride, _weights.Interface, Values(t), _valueStride, accumulate: true);
            for (var row = 0; row < _sequences; row++)
            {
                _interface.Forward<T>(Values(t, row));
            }

            _clock?.Lap(NtmPhase.Interface);
            for (var row = 0; row < _sequences; row++)
            {
                MemoryForward(t, row, NtmPhase.Addressing, NtmPhase.Memory);
                _memory.ReadForward(
                    _window.Memory(t, row, after: true), _window.Weighting(t, row, 0, after: true), Reads(t + 1, row));
                _clock?.Lap(NtmPhase.Memory);
            }

            if (_trace is { } trace)
            {
                GiveTrace(trace, first + t, t);
            }
        }
    }

    /// <inheritdoc/>
    public override void GiveOut(int first, int steps)
    {
        var rows = steps * _rows;
        var top = _layers[^1];
        for (var i = 0L; i < rows; i++)
        {
            Floats.Copy(_weights.OutputBias.Pointer, _outputs.Pointer + (i * _outputStride), _outputStride);
        }

        MatrixProduct<T>.Multiply(
            rows, top.Hidden(1), top.HiddenStride, _weights.Output, _outputs.Pointer, _outputStride, accumulate: true);
        MatrixProduct<T>.Multiply(
            rows, Reads(1), _readStride, _weights.ReadsOutput, _outputs.Pointer, _outputStride, accumulate: true);
        _clock?.Lap(NtmPhase.Logits);
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < _sequences; row++)
            {
                Floats.Copy(Output(t, row), _call!.Logits + At(first + t, row, _shape.Outputs), _shape.Outputs);
            }
        }
    }

    /// <inheritdoc/>
    public override void Finish(int steps)
    {
        if (_call!.Final is not { } final)
        {
            return;
        }

        for (var row = 0; row < _sequences; row++)
        {
            var sequence = _firstSequence + row;
            _start.GiveOut(final.Hidden, final.Cells, row, steps);
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

    /// <summary>The products take one row, or whole blocks of them.</summary>
    private static int RowsOf(int sequences) => MatrixProduct<T>.PaddedRows(sequences);

    private float* ExchangeLayers(int step, float* boundary, bool save)
    {
        foreach (var layer in _layers)
        {
            boundary = layer.Exchange(step, boundary, save);
        }

        return Boundary.Exchange(Reads(step), boundary, (long)_rows * _readStride, save);
    }

    private void GatherInputs(int first, int steps)
    {
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < _sequences; row++)
            {
                Floats.Copy(_call!.Input + At(first + t, row, _shape.Inputs), Input(t, row), _shape.Inputs);
            }
        }
    }

    /// <summary>Addresses with the write heads, writes, and addresses with the read heads.</summary>
    /// <param name="t">The step in the segment.</param>
    /// <param name="row">The row.</param>
    /// <param name="addressing">The phase that addressing counts as.</param>
    /// <param name="writing">The phase that writing counts as.</param>
    private void MemoryForward(int t, int row, NtmPhase addressing, NtmPhase writing)
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

    /// <summary>Where a step of a sequence of this group stands in a tensor <c>[batch, time, width]</c>.</summary>
    private long At(int step, int row, int width) => ((((long)_firstSequence + row) * _call!.Time) + step) * width;

    private float* OfHead(NtmState state, int sequence, int head) => head < _shape.ReadHeads
        ? state.ReadWeightings.Of(sequence) + ((long)head * _shape.Slots)
        : state.WriteWeightings.Of(sequence) + ((long)(head - _shape.ReadHeads) * _shape.Slots);

    private float* Input(int t, int row) => _inputs.Pointer + ((((long)t * _rows) + row) * _inputStride);

    private float* Reads(int t, int row = 0) => _reads.Pointer + ((((long)t * _rows) + row) * _readStride);

    private float* Values(int t, int row = 0) => _values.Pointer + ((((long)t * _rows) + row) * _valueStride);

    private float* Output(int t, int row) => _outputs.Pointer + ((((long)t * _rows) + row) * _outputStride);
}
