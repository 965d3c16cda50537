namespace NtmLab.Kernels;

/// <summary>
/// One to four sequences that go through a Neural Turing Machine in step. Kept per step and sequence (index t of a segment;
/// states have one more, the start), beside what the controller's layers keep:
/// <list type="bullet">
/// <item>reads: input of the products with the first layer's and the output's weights;</item>
/// <item>interface values, activated (their gradients in the backward pass);</item>
/// <item>slot norms of the memory, all weightings; what addressing keeps of every head.</item>
/// </list>
/// The memory itself is kept every few steps only: the backward pass writes those between again, from the weightings, erase
/// and add vectors that are kept. That costs less than bringing every memory from beyond the cache.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe partial class NtmGroup<T> : SequenceGroup
    where T : unmanaged, ILanes<T>
{
    private const int KeptPerHead = 3;

    private readonly NtmShape _shape;
    private readonly NtmWeights<T> _weights;
    private readonly NtmInterface _interface;
    private readonly NtmAddressing<T> _addressing;
    private readonly NtmMemory<T> _memory;
    private readonly HeadPlaces[] _places;
    private readonly RecurrentLayer<T>[] _layers;
    private readonly LayerStart<T> _start;
    private readonly NtmCarry<T>? _carry;
    private readonly NtmGradients<T>? _gradients;

    private readonly int _firstSequence;
    private readonly int _sequences;
    private readonly int _rows;
    private readonly int _stride;
    private readonly int _slots;
    private readonly int _inputStride;
    private readonly int _readStride;
    private readonly int _valueStride;
    private readonly int _outputStride;

    private readonly NativeBuffer _inputs;
    private readonly NativeBuffer _reads;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _current;
    private readonly NativeBuffer _snapshots;
    private readonly NativeBuffer _window;
    private readonly NativeBuffer _norms;
    private readonly NativeBuffer _weightings;
    private readonly NativeBuffer _kept;
    private readonly NativeBuffer _outputs;
    private readonly NativeBuffer[] _buffers;

    private NtmCall? _call;
    private NtmBackwardCall? _backwardCall;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">1 to 4 sequences.</param>
    /// <param name="plan">How time is cut.</param>
    public NtmGroup(NtmShape shape, NtmWeights<T> weights, int firstSequence, int sequences, SegmentPlan plan)
    {
        _shape = shape;
        _weights = weights;
        _interface = new NtmInterface(shape);
        _addressing = new NtmAddressing<T>(shape);
        _memory = new NtmMemory<T>(shape);
        _places = [.. Enumerable.Range(0, shape.Heads).Select(_interface.Places)];
        _firstSequence = firstSequence;
        _sequences = sequences;
        _rows = RowsOf(sequences);
        _stride = SnapshotStride(shape, sequences);
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
        var memories = (long)_rows * _memory.Size;
        _current = new NativeBuffer(memories);
        _snapshots = new NativeBuffer(plan.Keep ? ((plan.Segment - 1) / _stride + 1) * memories : 0);
        _window = new NativeBuffer(plan.Keep ? (Math.Min(plan.Segment, _stride) + 1) * memories : 0);
        _norms = new NativeBuffer(states * _slots);
        _weightings = new NativeBuffer(states * shape.Heads * _slots);
        _kept = new NativeBuffer(steps * shape.Heads * KeptPerHead * _slots);
        _outputs = new NativeBuffer(steps * _outputStride);
        _buffers = [_inputs, _reads, _values, _current, _snapshots, _window, _norms, _weightings, _kept, _outputs];
    }

    /// <summary>The most sequences of a group.</summary>
    public static int Most => MatrixProduct<T>.RowBlock;

    /// <inheritdoc/>
    public override long BoundarySize =>
        ((long)_rows * (_readStride + _memory.Size + _slots + (_shape.Heads * _slots)))
        + _layers.Sum(layer => layer.BoundarySize);

    /// <inheritdoc/>
    public override long Bytes =>
        _buffers.Sum(buffer => buffer.Bytes) + _layers.Sum(layer => layer.Bytes)
        + (_carry?.Bytes ?? 0) + (_gradients?.Bytes ?? 0);

    /// <summary>The parameters' gradients, after the backward pass.</summary>
    public NtmGradients<T> Gradients => _gradients!;

    /// <summary>Bytes that one step of one group of this many sequences keeps.</summary>
    public static long BytesPerStep(NtmShape shape, int sequences)
    {
        var slots = Rows.Padded<T>(shape.Slots);
        var layers = Enumerable.Range(0, shape.Layers).Sum(i => RecurrentLayer<T>.FloatsPerStep(shape.Layer(i)));
        var perRow = Rows.Padded<T>(shape.Inputs) + Rows.Padded<T>(shape.Outputs) + Rows.Padded<T>(shape.InterfaceSize)
            + Rows.Padded<T>(shape.ReadWidth) + layers
            + (shape.Width * slots / SnapshotStride(shape, sequences))
            + ((1L + ((1 + KeptPerHead) * shape.Heads)) * slots);
        return perRow * RowsOf(sequences) * sizeof(float);
    }

    /// <summary>Names the batch that the next forward pass is of.</summary>
    public void Take(NtmCall call) => _call = call;

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
            _memory.FromSlots(start.Memory.Of(sequence), Current(row));
            _memory.Norms(Current(row), Norms(0, row));
            for (var head = 0; head < _shape.Heads; head++)
            {
                var weighting = Weighting(0, row, head);
                Floats.Clear(weighting, _slots);
                Floats.Copy(OfHead(start, sequence, head), weighting, _shape.Slots);
            }
        }
    }

    /// <inheritdoc/>
    public override void Save(int step, float* boundary) => Exchange(step, boundary, save: true);

    /// <inheritdoc/>
    public override void Restore(float* boundary) => Exchange(0, boundary, save: false);

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

        var top = _layers[^1];
        _layers[0].AddInput(0, steps, _inputs.Pointer, _inputStride);
        for (var t = 0; t < steps; t++)
        {
            if (_carry is not null && t % _stride == 0)
            {
                Floats.Copy(_current.Pointer, Snapshot(t), _current.Length);
            }

            _layers[0].AddReads(t, Reads(t), _readStride);
            _layers[0].Forward(t);
            for (var i = 1; i < _layers.Length; i++)
            {
                _layers[i].AddInput(t, 1, _layers[i - 1].Hidden(t + 1), _layers[i - 1].HiddenStride);
                _layers[i].Forward(t);
            }

            MatrixProduct<T>.Multiply(
                _rows, top.Hidden(t + 1), top.HiddenStride, _weights.Interface, Values(t), _valueStride, accumulate: true);
            for (var row = 0; row < _sequences; row++)
            {
                MemoryForward(t, row);
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
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < _sequences; row++)
            {
                Floats.Copy(Output(t, row), _call!.Logits + At(first + t, row, _shape.Outputs), _shape.Outputs);
            }
        }

        if (_firstSequence == 0 && _call!.Trace is { } trace)
        {
            GiveTrace(trace, first, steps);
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
            _memory.ToSlots(Current(row), final.Memory.Of(sequence));
            for (var head = 0; head < _shape.Heads; head++)
            {
                Floats.Copy(Weighting(steps, row, head), OfHead(final, sequence, head), _shape.Slots);
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var held in _buffers.Concat<IDisposable>(_layers).Append(_addressing))
        {
            held.Dispose();
        }

        _carry?.Dispose();
        _gradients?.Dispose();
    }

    /// <summary>The products take one row, or whole blocks of them.</summary>
    private static int RowsOf(int sequences) => sequences == 1 ? 1 : MatrixProduct<T>.RowBlock;

    /// <summary>Steps from one kept memory to the next: as many as the second-level cache has room for when written again.</summary>
    private static int SnapshotStride(NtmShape shape, int sequences)
    {
        const long room = 256 << 10;
        var memories = (long)RowsOf(sequences) * shape.Width * Rows.Padded<T>(shape.Slots) * sizeof(float);
        return (int)Math.Clamp(room / memories, 1, 16);
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

    private void MemoryForward(int t, int row)
    {
        var values = Values(t, row);
        _interface.Forward<T>(values);
        for (var head = _shape.ReadHeads; head < _shape.Heads; head++)
        {
            Address(head, t, row, t);
        }

        Write(t, row, Current(row), Current(row));
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            Address(head, t, row, t + 1);
        }

        _memory.ReadForward(Current(row), Weighting(t + 1, row, 0), Reads(t + 1, row));
    }

    private void Write(int t, int row, float* memory, float* written) =>
        _memory.WriteForward(
            memory,
            Weighting(t + 1, row, _shape.ReadHeads),
            Values(t, row) + _interface.EraseStart,
            Values(t, row) + _interface.AddStart,
            written,
            Norms(t + 1, row));

    /// <summary>Addresses the memory before the step's write (at t) or after it (at t + 1).</summary>
    private void Address(int head, int t, int row, int memoryStep) =>
        _addressing.Forward(
            new HeadValues(Values(t, row), _places[head]),
            Current(row),
            Norms(memoryStep, row),
            Weighting(t, row, head),
            Kept(t, row, head),
            Weighting(t + 1, row, head));

    private void GiveTrace(NtmTrace trace, int first, int steps)
    {
        var written = _shape.WriteHeads * _shape.Width;
        for (var t = 0; t < steps; t++)
        {
            long at = first + t;
            for (var head = 0; head < _shape.Heads; head++)
            {
                var target = trace.Weightings + (((at * _shape.Heads) + head) * _shape.Slots);
                Floats.Copy(Weighting(t + 1, 0, head), target, _shape.Slots);
            }

            Floats.Copy(Reads(t + 1), trace.Reads + (at * _shape.ReadWidth), _shape.ReadWidth);
            Floats.Copy(Values(t) + _interface.EraseStart, trace.Erase + (at * written), written);
            Floats.Copy(Values(t) + _interface.AddStart, trace.Add + (at * written), written);
        }
    }

    private void Exchange(int step, float* boundary, bool save)
    {
        foreach (var layer in _layers)
        {
            boundary = layer.Exchange(step, boundary, save);
        }

        boundary = Boundary.Exchange(Reads(step), boundary, (long)_rows * _readStride, save);
        boundary = Boundary.Exchange(_current.Pointer, boundary, _current.Length, save);
        boundary = Boundary.Exchange(Norms(step, 0), boundary, (long)_rows * _slots, save);
        Boundary.Exchange(Weighting(step, 0, 0), boundary, (long)_rows * _shape.Heads * _slots, save);
    }

    /// <summary>Where a step of a sequence of this group stands in a tensor <c>[batch, time, width]</c>.</summary>
    private long At(int step, int row, int width) => ((((long)_firstSequence + row) * _call!.Time) + step) * width;

    private float* OfHead(NtmState state, int sequence, int head) => head < _shape.ReadHeads
        ? state.ReadWeightings.Of(sequence) + ((long)head * _shape.Slots)
        : state.WriteWeightings.Of(sequence) + ((long)(head - _shape.ReadHeads) * _shape.Slots);

    private float* Input(int t, int row) => _inputs.Pointer + ((((long)t * _rows) + row) * _inputStride);

    private float* Reads(int t, int row = 0) => _reads.Pointer + ((((long)t * _rows) + row) * _readStride);

    private float* Values(int t, int row = 0) => _values.Pointer + ((((long)t * _rows) + row) * _valueStride);

    /// <summary>The memory that the forward pass has come to.</summary>
    private float* Current(int row) => _current.Pointer + ((long)row * _memory.Size);

    /// <summary>All memories as they were before the first step of a run of <see cref="_stride"/>.</summary>
    private float* Snapshot(int t) => _snapshots.Pointer + (t / _stride * _current.Length);

    /// <summary>A memory before step t, or after it at t + 1, once <see cref="Rewrite"/> has written the run of the step.</summary>
    private float* Window(int t, int row, bool after) =>
        _window.Pointer + (((t % _stride) + (after ? 1 : 0)) * _current.Length) + ((long)row * _memory.Size);

    private float* Norms(int t, int row) => _norms.Pointer + ((((long)t * _rows) + row) * _slots);

    private float* Weighting(int t, int row, int head) =>
        _weightings.Pointer + ((((((long)t * _rows) + row) * _shape.Heads) + head) * _slots);

    private float* Kept(int t, int row, int head) =>
        _kept.Pointer + ((((((long)t * _rows) + row) * _shape.Heads) + head) * KeptPerHead * _slots);

    private float* Output(int t, int row) => _outputs.Pointer + ((((long)t * _rows) + row) * _outputStride);
}
