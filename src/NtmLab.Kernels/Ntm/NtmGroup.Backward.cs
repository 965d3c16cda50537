namespace NtmLab.Kernels;

/// <content>The backward pass: every method undoes one of the forward pass, in the reverse order.</content>
internal sealed unsafe partial class NtmGroup<T>
{
    /// <inheritdoc/>
    public override void BeginBackward()
    {
        _gradients!.Clear();
        _carry!.Clear();
        foreach (var layer in _layers)
        {
            layer.ClearGradients();
        }

        if (BackwardCall.FinalGradients is { } final)
        {
            ExchangeStateGradients(final, takeIn: true);
        }
    }

    /// <inheritdoc/>
    public override void Backward(int first, int steps)
    {
        _outputs.Clear();
        Gather(BackwardCall.OutputGradients, first, steps, _shape.Outputs, _outputs.Pointer, _outputStride);
        var (carry, gradients, top) = (_carry!, _gradients!, _layers[^1]);
        var rows = steps * RowCount;
        gradients.Output.AddOuterProducts(rows, _outputs.Pointer, _outputStride, top.Hidden(1), top.HiddenStride);
        gradients.ReadsOutput.AddOuterProducts(rows, _outputs.Pointer, _outputStride, Reads(1), _readStride);
        gradients.OutputBias.AddRows(rows, _outputs.Pointer, _outputStride);
        _clock?.Lap(KernelPhase.LogitsBackward);

        for (var t = steps - 1; t >= 0; t--)
        {
            // The last run of the segment is still there.
            if (_window.Ends(t) && t < steps - 1)
            {
                Again(t);
                _clock?.Lap(KernelPhase.Again);
            }

            MatrixProduct<T>.Multiply(
                RowCount, Output(t, 0), _outputStride, _weights.OutputBack, top.HiddenGradient, top.HiddenStride, accumulate: true);
            MatrixProduct<T>.Multiply(
                RowCount, Output(t, 0), _outputStride, _weights.ReadsOutputBack, carry.Reads, _readStride, accumulate: true);
            _clock?.Lap(KernelPhase.LogitsBackward);
            for (var row = 0; row < RowCount; row++)
            {
                if (row < Sequences)
                {
                    MemoryBackward(t, row);
                }
                else
                {
                    Floats.Clear(Values(t, row), _valueStride);
                }
            }

            MatrixProduct<T>.Multiply(
                RowCount, Values(t), _valueStride, _weights.InterfaceBack, top.HiddenGradient, top.HiddenStride, accumulate: true);
            _clock?.Lap(KernelPhase.InterfaceBackward);
            for (var i = _layers.Length - 1; i >= 0; i--)
            {
                _layers[i].Backward(t);
                if (i > 0)
                {
                    _layers[i].InputBackward(
                        t, 1, _layers[i - 1].HiddenGradient, _layers[i - 1].HiddenStride, accumulate: true);
                }
            }

            _layers[0].ReadsBackward(t, carry.Reads, _readStride);
            _clock?.Lap(KernelPhase.ControllerBackward);
        }

        gradients.Interface.AddOuterProducts(rows, _values.Pointer, _valueStride, top.Hidden(1), top.HiddenStride);
        gradients.InterfaceBias.AddRows(rows, _values.Pointer, _valueStride);
        _layers[0].AddGradients(steps, _inputs.Pointer, _inputStride, Reads(0), _readStride, gradients.Layers[0]);
        for (var i = 1; i < _layers.Length; i++)
        {
            var below = _layers[i - 1];
            _layers[i].AddGradients(steps, below.Hidden(1), below.HiddenStride, null, 0, gradients.Layers[i]);
        }

        _clock?.Lap(KernelPhase.WeightGradients);
        if (BackwardCall.InputGradients is not null)
        {
            // The inputs of this segment are used up: their room takes the gradients.
            _layers[0].InputBackward(0, steps, _inputs.Pointer, _inputStride, accumulate: false);
            Scatter(_inputs.Pointer, _inputStride, BackwardCall.InputGradients, first, steps, _shape.Inputs);
        }
    }

    /// <inheritdoc/>
    public override void EndBackward()
    {
        if (BackwardCall.StartGradients is { } start)
        {
            ExchangeStateGradients(start, takeIn: false);
        }
    }

    /// <summary>Computes the memory part of the run that ends with step t again.</summary>
    private void Again(int t)
    {
        for (var step = t - _window.Run + 1; step <= t; step++)
        {
            for (var row = 0; row < Sequences; row++)
            {
                MemoryForward(step, row, KernelPhase.Again, KernelPhase.Again);
            }
        }
    }

    private void MemoryBackward(int t, int row)
    {
        var carry = _carry!;
        var values = Values(t, row);
        var gradient = carry.Values;
        var readGradients = carry.Reads + ((long)row * _readStride);
        var memoryGradient = MemoryGradient(row);
        var weightingGradients = WeightingGradient(row, 0);

        _memory.ReadBackward(_window.Memory(t, row, after: true), readGradients, weightingGradients);
        _clock?.Lap(KernelPhase.MemoryBackward);
        AddressBackward(t, row, 0, _shape.ReadHeads, afterWrite: true, readGradients);
        _memory.WriteBackward(
            _window.Memory(t, row, after: false),
            _window.Weighting(t, row, _shape.ReadHeads, after: true),
            values + _interface.EraseStart,
            values + _interface.AddStart,
            memoryGradient,
            WeightingGradient(row, _shape.ReadHeads),
            gradient + _interface.EraseStart,
            gradient + _interface.AddStart);
        _clock?.Lap(KernelPhase.MemoryBackward);
        AddressBackward(t, row, _shape.ReadHeads, _shape.Heads, afterWrite: false, readGradients: null);

        _clock?.Lap(KernelPhase.MemoryBackward);
        _interface.Backward(values, gradient);
        Floats.Copy(gradient, values, _shape.InterfaceSize);
        Floats.Clear(values + _shape.InterfaceSize, _valueStride - _shape.InterfaceSize);
        _clock?.Lap(KernelPhase.InterfaceBackward);
    }

    /// <summary>Undoes the addressing of the heads that looked at one memory, and with it their reads, if they have any.</summary>
    private void AddressBackward(int t, int row, int from, int to, bool afterWrite, float* readGradients)
    {
        var carry = _carry!;
        var keys = stackalloc KeyGradient[to - from];
        Floats.Clear(carry.NormGradient, _slots);
        for (var head = from; head < to; head++)
        {
            var headValues = new HeadValues(Values(t, row), _places[head]);
            var headGradient = new HeadValues(carry.Values, _places[head]);
            _addressing.Backward(
                headValues,
                headGradient,
                _window.Norms(t, row, afterWrite),
                _window.Weighting(t, row, head, after: false),
                _window.Kept(t, row, head),
                _window.Weighting(t, row, head, after: true),
                WeightingGradient(row, head),
                carry.ProductGradients + ((head - from) * _slots),
                carry.NormGradient);
            keys[head - from] = new KeyGradient(headValues.Key, headGradient.Key);
        }

        _clock?.Lap(KernelPhase.AddressingBackward);
        _memory.ContentBackward(
            _window.Memory(t, row, afterWrite),
            MemoryGradient(row),
            carry.NormGradient,
            to - from,
            new ReadOnlySpan<KeyGradient>(keys, to - from),
            carry.ProductGradients,
            readGradients,
            readGradients is null ? null : _window.Weighting(t, row, from, after: true));
    }

    /// <summary>
    /// Takes the gradients of the final state in, or gives those of the start out; one shared by all sequences is summed with
    /// the parameters' gradients.
    /// </summary>
    private void ExchangeStateGradients(IReadOnlyList<SequenceTensor> parts, bool takeIn)
    {
        var state = new NtmState(parts);
        for (var row = 0; row < Sequences; row++)
        {
            var sequence = FirstSequence + row;
            _states.MoveGradients(parts, row, takeIn, _gradients!.Layers);
            var reads = _carry!.Reads + ((long)row * _readStride);
            LayerStates<T>.Move(state.Reads, sequence, 0, reads, _shape.ReadWidth, takeIn, _gradients!.StartReads);
            for (var head = 0; head < _shape.Heads; head++)
            {
                var (part, index) = head < _shape.ReadHeads
                    ? (state.ReadWeightings, head)
                    : (state.WriteWeightings, head - _shape.ReadHeads);
                LayerStates<T>.Move(
                    part, sequence, (long)index * _shape.Slots, WeightingGradient(row, head), _shape.Slots, takeIn, null);
            }

            if (state.Memory is { Values: not null, IsShared: false } memory)
            {
                var outside = memory.Of(sequence);
                if (takeIn)
                {
                    _memory.FromSlots(outside, MemoryGradient(row));
                }
                else
                {
                    _memory.ToSlots(MemoryGradient(row), outside);
                }
            }
        }
    }

    private float* MemoryGradient(int row) => _carry!.Memory + ((long)row * _memory.Size);

    private float* WeightingGradient(int row, int head) =>
        _carry!.Weightings + ((((long)row * _shape.Heads) + head) * _slots);
}
