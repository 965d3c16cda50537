namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that go through a controller with a memory in step; a network of its own kind says how the memory is
/// addressed, written and read. Kept per step and sequence (index t of a segment; states have one more, the start), beside
/// what the controller's layers keep:
/// <list type="bullet">
/// <item>reads: input of the products with the first layer's and the output's weights;</item>
/// <item>interface values, activated (their gradients in the backward pass).</item>
/// </list>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal abstract unsafe partial class MemoryGroup<T> : SequenceGroup<T>
    where T : unmanaged, ILanes<T>
{
    private readonly MemoryShape _shape;
    private readonly MemoryNetwork<T> _weights;
    private readonly RecurrentLayer<T>[] _layers;
    private readonly LayerStates<T> _states;
    private readonly MemoryGradients<T>? _gradients;

    private readonly int _inputStride;
    private readonly int _readStride;
    private readonly int _valueStride;
    private readonly int _outputStride;

    private readonly NativeBuffer _inputs;
    private readonly NativeBuffer _reads;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _outputs;
    private readonly NativeBuffer _readGradients;
    private readonly NativeBuffer _valueGradients;
    private readonly NativeBuffer[] _buffers;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="clock">Measures the phases, if given.</param>
    protected MemoryGroup(
        MemoryShape shape, MemoryNetwork<T> weights, int firstSequence, int sequences, SegmentPlan plan, PhaseClock? clock)
        : base(firstSequence, sequences)
    {
        Clock = clock;
        _shape = shape;
        _weights = weights;
        _inputStride = Rows.Padded<T>(shape.Inputs);
        _readStride = Rows.Padded<T>(shape.ReadWidth);
        _valueStride = Rows.Padded<T>(shape.InterfaceSize);
        _outputStride = Rows.Padded<T>(shape.Outputs);
        _layers = [.. weights.Layers.Select(layer => new RecurrentLayer<T>(layer, RowCount, plan.Segment))];
        _states = new LayerStates<T>(_layers, shape.Units, firstSequence);
        _gradients = plan.Keep ? new MemoryGradients<T>(shape) : null;

        var steps = (long)plan.Segment * RowCount;
        var states = steps + RowCount;
        _inputs = new NativeBuffer(steps * _inputStride);
        _reads = new NativeBuffer(states * _readStride);
        _values = new NativeBuffer(steps * _valueStride);
        _outputs = new NativeBuffer(steps * _outputStride);
        _readGradients = new NativeBuffer(plan.Keep ? (long)RowCount * _readStride : 0);
        _valueGradients = new NativeBuffer(plan.Keep ? shape.InterfaceSize + T.Count : 0);
        _buffers = [_inputs, _reads, _values, _outputs, _readGradients, _valueGradients];
    }

    /// <inheritdoc/>
    public override long BoundarySize =>
        ((long)RowCount * _readStride) + MemoryBoundarySize + _layers.Sum(layer => layer.BoundarySize);

    /// <inheritdoc/>
    public override long Bytes =>
        _buffers.Sum(buffer => buffer.Bytes) + MemoryBytes + _layers.Sum(layer => layer.Bytes) + (_gradients?.Bytes ?? 0);

    /// <inheritdoc/>
    public override NetworkGradients<T> Gradients => _gradients!;

    /// <summary>Measures the phases, if given.</summary>
    protected PhaseClock? Clock { get; }

    /// <summary>Floats that the memory part of the state needs at a boundary, for all rows.</summary>
    protected abstract long MemoryBoundarySize { get; }

    /// <summary>Bytes that the memory part holds.</summary>
    protected abstract long MemoryBytes { get; }

    /// <inheritdoc/>
    public override void Start()
    {
        foreach (var layer in _layers)
        {
            layer.ClearStart();
        }

        Floats.Clear(Reads(0), (long)RowCount * _readStride);
        var start = new MemoryState(Call.Start, _shape.AddressingParts);
        for (var row = 0; row < Sequences; row++)
        {
            _states.TakeIn(Call.Start, row);
            Floats.Copy(start.Reads.Of(FirstSequence + row), Reads(0, row), _shape.ReadWidth);
            StartMemory(row, start);
        }
    }

    /// <inheritdoc/>
    public override void Save(int step, float* boundary)
    {
        boundary = ExchangeLayers(step, boundary, save: true);
        SaveMemory(step, boundary);
    }

    /// <inheritdoc/>
    public override void Restore(float* boundary)
    {
        boundary = ExchangeLayers(0, boundary, save: false);
        RestoreMemory(boundary);
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

        BeginMemory(first);
        Clock?.Lap(KernelPhase.Copying);
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

            Clock?.Lap(KernelPhase.Controller);
            MatrixProduct<T>.Multiply(
                RowCount, top.Hidden(t + 1), top.HiddenStride, _weights.Interface, Values(t), _valueStride, accumulate: true);
            for (var row = 0; row < Sequences; row++)
            {
                Activate(Values(t, row));
            }

            Clock?.Lap(KernelPhase.Interface);
            for (var row = 0; row < Sequences; row++)
            {
                MemoryForward(t, row);
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
        Clock?.Lap(KernelPhase.Logits);
        Scatter(_outputs.Pointer, _outputStride, Call.Output, first, steps, _shape.Outputs);
    }

    /// <inheritdoc/>
    public override void Finish(int steps)
    {
        if (Call.Final is not { } parts)
        {
            return;
        }

        var final = new MemoryState(parts, _shape.AddressingParts);
        for (var row = 0; row < Sequences; row++)
        {
            _states.GiveOut(parts, row, steps);
            Floats.Copy(Reads(steps, row), final.Reads.Of(FirstSequence + row), _shape.ReadWidth);
            FinishMemory(steps, row, final);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var held in _buffers.Concat<IDisposable>(_layers))
        {
            held.Dispose();
        }

        _gradients?.Dispose();
    }

    /// <summary>Puts the memory of a row at its start.</summary>
    protected abstract void StartMemory(int row, MemoryState start);

    /// <summary>Copies the memory part of all rows after some steps of the segment out to a boundary.</summary>
    protected abstract void SaveMemory(int step, float* boundary);

    /// <summary>Puts a boundary back as the memory part of the segment's start.</summary>
    protected abstract void RestoreMemory(float* boundary);

    /// <summary>Prepares the memory part for a segment.</summary>
    /// <param name="first">The segment's first step in the sequences.</param>
    protected abstract void BeginMemory(int first);

    /// <summary>Activates the interface values of one row in place.</summary>
    protected abstract void Activate(float* values);

    /// <summary>Addresses, writes and reads: gives <c>Reads(t + 1, row)</c> for the activated interface values of step t.</summary>
    protected abstract void MemoryForward(int t, int row);

    /// <summary>Gives out the memory part of a row's state after the last step.</summary>
    /// <param name="steps">Steps of the last segment.</param>
    /// <param name="row">The row.</param>
    /// <param name="final">Where it goes.</param>
    protected abstract void FinishMemory(int steps, int row, MemoryState final);

    /// <summary>Gives out what the heads of the first row did.</summary>
    /// <param name="trace">Where it goes.</param>
    /// <param name="step">The step in the sequences.</param>
    /// <param name="t">The step in the segment.</param>
    protected abstract void GiveTrace(MemoryTrace trace, long step, int t);

    /// <summary>Read vectors before step t, <c>[read heads, width]</c>; those of step t at t + 1.</summary>
    protected float* Reads(int t, int row = 0) => _reads.Pointer + ((((long)t * RowCount) + row) * _readStride);

    /// <summary>Interface values of step t.</summary>
    protected float* Values(int t, int row = 0) => _values.Pointer + ((((long)t * RowCount) + row) * _valueStride);

    private float* Output(int t, int row) => _outputs.Pointer + ((((long)t * RowCount) + row) * _outputStride);

    private float* ExchangeLayers(int step, float* boundary, bool save)
    {
        foreach (var layer in _layers)
        {
            boundary = layer.Exchange(step, boundary, save);
        }

        return Boundary.Exchange(Reads(step), boundary, (long)RowCount * _readStride, save);
    }
}
