namespace NtmLab.Kernels;

/// <summary>
/// One to four sequences that go through a Neural Turing Machine in step, so that each weight is loaded once for all of
/// them. Time is cut into segments; what the backward pass needs is kept for one segment, and only the state at the start of
/// the others, from which they are computed again.
/// <para>Kept per step and sequence (index t of a segment; states have one more, the start):</para>
/// <list type="bullet">
/// <item>state <c>[reads, hidden]</c>: input of the products with recurrent, interface and output weights;</item>
/// <item>cell, gates (activated; their gradients in the backward pass), interface values (likewise);</item>
/// <item>memory after the write, its slot norms, all weightings; similarity, content and shifted weighting per head.</item>
/// </list>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmGroup<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;
    private readonly NtmWeights<T> _weights;
    private readonly NtmInterface _interface;
    private readonly NtmAddressing<T> _addressing;
    private readonly NtmMemory<T> _memory;
    private readonly HeadPlaces[] _places;

    private readonly int _rows;
    private readonly int _segment;
    private readonly int _slots;
    private readonly int _units;
    private readonly int _stateStride;
    private readonly int _gateStride;
    private readonly int _valueStride;
    private readonly int _inputStride;
    private readonly int _outputStride;

    private readonly NativeBuffer _inputs;
    private readonly NativeBuffer _states;
    private readonly NativeBuffer _cells;
    private readonly NativeBuffer _gates;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _memories;
    private readonly NativeBuffer _norms;
    private readonly NativeBuffer _weightings;
    private readonly NativeBuffer _kept;
    private readonly NativeBuffer _outputs;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="sequences">1 to 4 sequences.</param>
    /// <param name="segment">Steps of a segment.</param>
    public NtmGroup(NtmShape shape, NtmWeights<T> weights, int sequences, int segment)
    {
        _shape = shape;
        _weights = weights;
        _interface = new NtmInterface(shape);
        _addressing = new NtmAddressing<T>(shape);
        _memory = new NtmMemory<T>(shape);
        _places = [.. Enumerable.Range(0, shape.Heads).Select(_interface.Places)];
        Sequences = sequences;
        _rows = sequences == 1 ? 1 : MatrixProduct<T>.RowBlock;
        _segment = segment;
        _slots = Rows.Padded<T>(shape.Slots);
        _units = weights.PaddedUnits;
        _stateStride = shape.ReadWidth + Math.Max(weights.InterfaceBack.PaddedColumns, _units);
        _stateStride = Math.Max(_stateStride, weights.OutputBack.PaddedColumns);
        _gateStride = weights.Input.PaddedColumns;
        _valueStride = weights.Interface.PaddedColumns;
        _inputStride = Math.Max(Rows.Padded<T>(shape.Inputs), weights.InputBack.PaddedColumns);
        _outputStride = weights.Output.PaddedColumns;

        var steps = (long)segment * _rows;
        var states = steps + _rows;
        _inputs = new NativeBuffer(steps * _inputStride);
        _states = new NativeBuffer(states * _stateStride);
        _cells = new NativeBuffer(states * _units);
        _gates = new NativeBuffer(steps * _gateStride);
        _values = new NativeBuffer(steps * _valueStride);
        _memories = new NativeBuffer(states * _memory.Size);
        _norms = new NativeBuffer(states * _slots);
        _weightings = new NativeBuffer(states * shape.Heads * _slots);
        _kept = new NativeBuffer(steps * shape.Heads * 3 * _slots);
        _outputs = new NativeBuffer(steps * _outputStride);
    }

    /// <summary>The sequences of the group.</summary>
    public int Sequences { get; }

    /// <summary>Floats of the state that a segment starts from, for all sequences.</summary>
    public long BoundarySize =>
        (long)_rows * (_stateStride + _units + _memory.Size + _slots + (_shape.Heads * _slots));

    /// <summary>Bytes held.</summary>
    public long Bytes =>
        _inputs.Bytes + _states.Bytes + _cells.Bytes + _gates.Bytes + _values.Bytes + _memories.Bytes + _norms.Bytes
        + _weightings.Bytes + _kept.Bytes + _outputs.Bytes;

    /// <summary>Bytes that one step of one group of this many sequences keeps.</summary>
    public static long BytesPerStep(NtmShape shape, int sequences)
    {
        var slots = Rows.Padded<T>(shape.Slots);
        long perRow = shape.Inputs + shape.Outputs + shape.InterfaceSize + shape.ReadWidth
            + ((shape.Gates + 2L) * Rows.Padded<T>(shape.Units)) + ((shape.Width + 1L + (4L * shape.Heads)) * slots)
            + (6 * PackedMatrix<T>.PanelWidth);
        return perRow * (sequences == 1 ? 1 : MatrixProduct<T>.RowBlock) * sizeof(float);
    }

    /// <summary>Puts every sequence at the trained start: first reads and hidden state, constant memory, first slot.</summary>
    public void Start(NtmTensors parameters, float initialMemory)
    {
        _states.Clear();
        _cells.Clear();
        for (var row = 0; row < Sequences; row++)
        {
            var state = State(0, row);
            Copy(parameters.InitialReads, state, _shape.ReadWidth);
            if (_shape.Controller == NtmControllerKind.Lstm)
            {
                Copy(parameters.InitialHidden, state + _shape.ReadWidth, _shape.Units);
                Copy(parameters.InitialCell, Cell(0, row), _shape.Units);
            }

            var memory = Memory(0, row);
            for (var m = 0; m < _shape.Width; m++)
            {
                new Span<float>(memory + (m * _slots), _shape.Slots).Fill(initialMemory);
            }

            _memory.Norms(memory, Norms(0, row));
            for (var head = 0; head < _shape.Heads; head++)
            {
                var weighting = Weighting(0, row, head);
                new Span<float>(weighting, _slots).Clear();
                weighting[0] = 1;
            }
        }
    }

    /// <summary>Copies the state at a step of the segment out to a boundary.</summary>
    public void Save(int step, float* boundary) => Exchange(step, boundary, save: true);

    /// <summary>Puts a boundary back as the segment's start.</summary>
    public void Restore(float* boundary) => Exchange(0, boundary, save: false);

    /// <summary>Makes the state after the last step of a segment the start of the next.</summary>
    /// <param name="steps">Steps of the segment.</param>
    /// <param name="scratch">Room for one boundary.</param>
    public void Advance(int steps, float* scratch)
    {
        Save(steps, scratch);
        Restore(scratch);
    }

    /// <summary>Computes a segment from its start.</summary>
    /// <param name="input">The first sequence's input at the segment's first step; <c>[steps, inputs]</c> a sequence.</param>
    /// <param name="sequenceStride">Distance between two sequences' inputs.</param>
    /// <param name="steps">Steps of the segment.</param>
    public void ForwardSegment(float* input, long sequenceStride, int steps)
    {
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < Sequences; row++)
            {
                Copy(input + (row * sequenceStride) + ((long)t * _shape.Inputs), Input(t, row), _shape.Inputs);
            }

            for (var row = 0; row < _rows; row++)
            {
                Copy(_weights.GateBias.Pointer, Gates(t, row), _gateStride);
                Copy(_weights.InterfaceBias.Pointer, Values(t, row), _valueStride);
            }
        }

        MatrixProduct<T>.Multiply(
            steps * _rows, _inputs.Pointer, _inputStride, _weights.Input, _gates.Pointer, _gateStride, accumulate: true);
        for (var t = 0; t < steps; t++)
        {
            MatrixProduct<T>.Multiply(
                _rows, State(t, 0), _stateStride, _weights.Recurrent, Gates(t, 0), _gateStride, accumulate: true);
            for (var row = 0; row < _rows; row++)
            {
                var hidden = State(t + 1, row) + _shape.ReadWidth;
                if (_shape.Controller == NtmControllerKind.Lstm)
                {
                    ControllerCell<T>.LstmForward(_units, Gates(t, row), Cell(t, row), Cell(t + 1, row), hidden);
                }
                else
                {
                    ControllerCell<T>.FeedForwardForward(_units, Gates(t, row), hidden);
                }
            }

            MatrixProduct<T>.Multiply(
                _rows,
                State(t + 1, 0) + _shape.ReadWidth,
                _stateStride,
                _weights.Interface,
                Values(t, 0),
                _valueStride,
                accumulate: true);
            for (var row = 0; row < Sequences; row++)
            {
                MemoryForward(t, row);
            }
        }
    }

    /// <summary>The logits of a computed segment.</summary>
    /// <param name="logits">The first sequence's logits at the segment's first step; <c>[steps, outputs]</c> a sequence.</param>
    /// <param name="sequenceStride">Distance between two sequences' logits.</param>
    /// <param name="steps">Steps of the segment.</param>
    public void Logits(float* logits, long sequenceStride, int steps)
    {
        for (var i = 0; i < steps * _rows; i++)
        {
            Copy(_weights.OutputBias.Pointer, _outputs.Pointer + ((long)i * _outputStride), _outputStride);
        }

        MatrixProduct<T>.Multiply(
            steps * _rows, State(1, 0), _stateStride, _weights.Output, _outputs.Pointer, _outputStride, accumulate: true);
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < Sequences; row++)
            {
                Copy(Output(t, row), logits + (row * sequenceStride) + ((long)t * _shape.Outputs), _shape.Outputs);
            }
        }
    }

    /// <summary>Goes backward through a computed segment; its gates and interface values become their gradients.</summary>
    /// <param name="logitGradients">As <see cref="Logits"/> gives the logits.</param>
    /// <param name="logitStride">Distance between two sequences' logits.</param>
    /// <param name="inputGradients">Gets the input's gradients, laid out as the input; null if not wanted.</param>
    /// <param name="inputStride">Distance between two sequences' inputs.</param>
    /// <param name="steps">Steps of the segment.</param>
    /// <param name="carry">What later segments give back; goes in for this segment's end, comes out for its start.</param>
    /// <param name="gradients">Gets the parameters' gradients added.</param>
    public void BackwardSegment(
        float* logitGradients,
        long logitStride,
        float* inputGradients,
        long inputStride,
        int steps,
        NtmCarry<T> carry,
        NtmGradients<T> gradients)
    {
        var reads = _shape.ReadWidth;
        var rows = steps * _rows;
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < _rows; row++)
            {
                var to = new Span<float>(Output(t, row), _outputStride);
                to.Clear();
                if (row < Sequences)
                {
                    var from = logitGradients + (row * logitStride) + ((long)t * _shape.Outputs);
                    new ReadOnlySpan<float>(from, _shape.Outputs).CopyTo(to);
                }
            }
        }

        MatrixProduct<T>.AddOuterProducts(
            rows, _outputs.Pointer, _outputStride, _shape.Outputs, State(1, 0), _stateStride, _shape.StateWidth, gradients.OutputWeight, gradients.OutputStride);
        AddColumns(rows, _outputs.Pointer, _outputStride, _shape.Outputs, gradients.OutputBias);

        var stateGradient = carry.State;
        var next = carry.NextState;
        for (var t = steps - 1; t >= 0; t--)
        {
            MatrixProduct<T>.Multiply(
                _rows, Output(t, 0), _outputStride, _weights.OutputBack, stateGradient, _stateStride, accumulate: true);
            for (var row = 0; row < _rows; row++)
            {
                if (row < Sequences)
                {
                    MemoryBackward(t, row, stateGradient + ((long)row * _stateStride), carry);
                }
                else
                {
                    new Span<float>(Values(t, row), _valueStride).Clear();
                }
            }

            MatrixProduct<T>.Multiply(
                _rows, Values(t, 0), _valueStride, _weights.InterfaceBack, stateGradient + reads, _stateStride, accumulate: true);
            for (var row = 0; row < _rows; row++)
            {
                var hiddenGradient = stateGradient + ((long)row * _stateStride) + reads;
                if (_shape.Controller == NtmControllerKind.Lstm)
                {
                    ControllerCell<T>.LstmBackward(
                        _units, Gates(t, row), Cell(t, row), Cell(t + 1, row), hiddenGradient, carry.Cell + ((long)row * _units));
                }
                else
                {
                    ControllerCell<T>.FeedForwardBackward(_units, Gates(t, row), hiddenGradient);
                }
            }

            new Span<float>(next, _rows * _stateStride).Clear();
            MatrixProduct<T>.Multiply(
                _rows, Gates(t, 0), _gateStride, _weights.RecurrentBack, next, _stateStride, accumulate: false);
            var swap = stateGradient;
            stateGradient = next;
            next = swap;
        }

        carry.Keep(stateGradient);
        var gates = _weights.GateColumns;
        MatrixProduct<T>.AddOuterProducts(
            rows, _gates.Pointer, _gateStride, gates, _inputs.Pointer, _inputStride, _shape.Inputs, gradients.InputWeight, gradients.InputStride);
        MatrixProduct<T>.AddOuterProducts(
            rows, _gates.Pointer, _gateStride, gates, _states.Pointer, _stateStride, _shape.RecurrentWidth, gradients.RecurrentWeight, gradients.RecurrentStride);
        AddColumns(rows, _gates.Pointer, _gateStride, gates, gradients.GateBias);
        MatrixProduct<T>.AddOuterProducts(
            rows, _values.Pointer, _valueStride, _shape.InterfaceSize, State(1, 0) + reads, _stateStride, _shape.Units, gradients.InterfaceWeight, gradients.InterfaceStride);
        AddColumns(rows, _values.Pointer, _valueStride, _shape.InterfaceSize, gradients.InterfaceBias);
        if (inputGradients is not null)
        {
            InputGradients(inputGradients, inputStride, steps);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in new IDisposable[]
        {
            _addressing, _inputs, _states, _cells, _gates, _values, _memories, _norms, _weightings, _kept, _outputs,
        })
        {
            held.Dispose();
        }
    }

    /// <summary>Adds the gradients of the start, once the first segment is done.</summary>
    public void AddStart(NtmCarry<T> carry, NtmGradients<T> gradients)
    {
        for (var row = 0; row < Sequences; row++)
        {
            var state = carry.State + ((long)row * _stateStride);
            for (var j = 0; j < _shape.StateWidth; j++)
            {
                gradients.State[j] += state[j];
            }

            for (var j = 0; j < _shape.Units; j++)
            {
                gradients.Cell[j] += carry.Cell[((long)row * _units) + j];
            }
        }
    }

    /// <summary>Room for what one group passes from segment to segment in the backward pass.</summary>
    public NtmCarry<T> MakeCarry() => new(_shape, _rows, _stateStride, _units, _slots);

    private static void Copy(float* source, float* target, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));

    private static void AddColumns(int rows, float* x, int stride, int columns, float* sums)
    {
        for (var i = 0; i < rows; i++)
        {
            var row = x + ((long)i * stride);
            for (var j = 0; j < columns; j += T.Count)
            {
                (T.Load(sums + j) + T.Load(row + j)).Store(sums + j);
            }
        }
    }

    private void MemoryForward(int t, int row)
    {
        var values = Values(t, row);
        _interface.Forward<T>(values);
        for (var head = _shape.ReadHeads; head < _shape.Heads; head++)
        {
            _addressing.Forward(
                new HeadValues(values, _places[head]),
                Memory(t, row),
                Norms(t, row),
                Weighting(t, row, head),
                Kept(t, row, head),
                Weighting(t + 1, row, head));
        }

        _memory.WriteForward(
            Memory(t, row),
            Weighting(t + 1, row, _shape.ReadHeads),
            values + _interface.EraseStart,
            values + _interface.AddStart,
            Memory(t + 1, row),
            Norms(t + 1, row));
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            _addressing.Forward(
                new HeadValues(values, _places[head]),
                Memory(t + 1, row),
                Norms(t + 1, row),
                Weighting(t, row, head),
                Kept(t, row, head),
                Weighting(t + 1, row, head));
        }

        _memory.ReadForward(Memory(t + 1, row), Weighting(t + 1, row, 0), State(t + 1, row));
    }

    private void MemoryBackward(int t, int row, float* readGradients, NtmCarry<T> carry)
    {
        var values = Values(t, row);
        var gradient = carry.Values;
        var memoryGradient = carry.Memory + ((long)row * _memory.Size);
        var weightingGradients = carry.Weightings + ((long)row * _shape.Heads * _slots);

        _memory.ReadBackward(Memory(t + 1, row), readGradients, weightingGradients);
        AddressBackward(t, row, 0, _shape.ReadHeads, t + 1, gradient, weightingGradients, memoryGradient, readGradients, carry);
        _memory.WriteBackward(
            Memory(t, row),
            Weighting(t + 1, row, _shape.ReadHeads),
            values + _interface.EraseStart,
            values + _interface.AddStart,
            memoryGradient,
            weightingGradients + (_shape.ReadHeads * _slots),
            gradient + _interface.EraseStart,
            gradient + _interface.AddStart);
        AddressBackward(t, row, _shape.ReadHeads, _shape.Heads, t, gradient, weightingGradients, memoryGradient, null, carry);

        _interface.Backward(values, gradient);
        Copy(gradient, values, _shape.InterfaceSize);
        new Span<float>(values + _shape.InterfaceSize, _valueStride - _shape.InterfaceSize).Clear();
    }

    private void AddressBackward(
        int t,
        int row,
        int from,
        int to,
        int memoryStep,
        float* gradient,
        float* weightingGradients,
        float* memoryGradient,
        float* readGradients,
        NtmCarry<T> carry)
    {
        var values = Values(t, row);
        var keys = stackalloc KeyGradient[to - from];
        new Span<float>(carry.NormGradient, _slots).Clear();
        for (var head = from; head < to; head++)
        {
            var headValues = new HeadValues(values, _places[head]);
            var headGradient = new HeadValues(gradient, _places[head]);
            _addressing.Backward(
                headValues,
                headGradient,
                Norms(memoryStep, row),
                Weighting(t, row, head),
                Kept(t, row, head),
                Weighting(t + 1, row, head),
                weightingGradients + (head * _slots),
                carry.ProductGradients + ((head - from) * _slots),
                carry.NormGradient);
            keys[head - from] = new KeyGradient(headValues.Key, headGradient.Key);
        }

        _memory.ContentBackward(
            Memory(memoryStep, row),
            memoryGradient,
            carry.NormGradient,
            to - from,
            new ReadOnlySpan<KeyGradient>(keys, to - from),
            carry.ProductGradients,
            readGradients,
            readGradients is null ? null : Weighting(t + 1, row, from));
    }

    private void InputGradients(float* inputGradients, long sequenceStride, int steps)
    {
        // The inputs of this segment are used up: their room takes the gradients.
        MatrixProduct<T>.Multiply(
            steps * _rows, _gates.Pointer, _gateStride, _weights.InputBack, _inputs.Pointer, _inputStride, accumulate: false);
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < Sequences; row++)
            {
                Copy(Input(t, row), inputGradients + (row * sequenceStride) + ((long)t * _shape.Inputs), _shape.Inputs);
            }
        }
    }

    private void Exchange(int step, float* boundary, bool save)
    {
        void Part(float* own, long count)
        {
            var (source, target) = save ? ((nint)own, (nint)boundary) : ((nint)boundary, (nint)own);
            new ReadOnlySpan<float>((void*)source, (int)count).CopyTo(new Span<float>((void*)target, (int)count));
            boundary += count;
        }

        Part(State(step, 0), (long)_rows * _stateStride);
        Part(Cell(step, 0), (long)_rows * _units);
        Part(Memory(step, 0), (long)_rows * _memory.Size);
        Part(Norms(step, 0), (long)_rows * _slots);
        Part(Weighting(step, 0, 0), (long)_rows * _shape.Heads * _slots);
    }

    private float* Input(int t, int row) => _inputs.Pointer + ((((long)t * _rows) + row) * _inputStride);

    private float* State(int t, int row) => _states.Pointer + ((((long)t * _rows) + row) * _stateStride);

    private float* Cell(int t, int row) => _cells.Pointer + ((((long)t * _rows) + row) * _units);

    private float* Gates(int t, int row) => _gates.Pointer + ((((long)t * _rows) + row) * _gateStride);

    private float* Values(int t, int row) => _values.Pointer + ((((long)t * _rows) + row) * _valueStride);

    private float* Memory(int t, int row) => _memories.Pointer + ((((long)t * _rows) + row) * _memory.Size);

    private float* Norms(int t, int row) => _norms.Pointer + ((((long)t * _rows) + row) * _slots);

    private float* Weighting(int t, int row, int head) =>
        _weightings.Pointer + ((((((long)t * _rows) + row) * _shape.Heads) + head) * _slots);

    private float* Kept(int t, int row, int head) =>
        _kept.Pointer + ((((((long)t * _rows) + row) * _shape.Heads) + head) * 3 * _slots);

    private float* Output(int t, int row) => _outputs.Pointer + ((((long)t * _rows) + row) * _outputStride);
}
