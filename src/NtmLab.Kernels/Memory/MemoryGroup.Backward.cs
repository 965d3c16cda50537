namespace NtmLab.Kernels;

/// <content>The backward pass: every method undoes one of the forward pass, in the reverse order.</content>
internal abstract unsafe partial class MemoryGroup<T>
{
    /// <inheritdoc/>
    public override void BeginBackward()
    {
        _gradients!.Clear();
        _readGradients.Clear();
        ClearMemoryGradients();
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
        var (gradients, top) = (_gradients!, _layers[^1]);
        var rows = steps * RowCount;
        gradients.Output.AddOuterProducts(rows, _outputs.Pointer, _outputStride, top.Hidden(1), top.HiddenStride);
        gradients.ReadsOutput.AddOuterProducts(rows, _outputs.Pointer, _outputStride, Reads(1), _readStride);
        gradients.OutputBias.AddRows(rows, _outputs.Pointer, _outputStride);
        Clock?.Lap(KernelPhase.LogitsBackward);

        for (var t = steps - 1; t >= 0; t--)
        {
            BeginMemoryBackward(t, steps);
            MatrixProduct<T>.Multiply(
                RowCount, Output(t, 0), _outputStride, _weights.OutputBack, top.HiddenGradient, top.HiddenStride, accumulate: true);
            MatrixProduct<T>.Multiply(
                RowCount, Output(t, 0), _outputStride, _weights.ReadsOutputBack, ReadGradients(0), _readStride, accumulate: true);
            Clock?.Lap(KernelPhase.LogitsBackward);
            for (var row = 0; row < RowCount; row++)
            {
                if (row < Sequences)
                {
                    MemoryBackward(t, row, _valueGradients.Pointer);
                    Floats.Copy(_valueGradients.Pointer, Values(t, row), _shape.InterfaceSize);
                    Floats.Clear(Values(t, row) + _shape.InterfaceSize, _valueStride - _shape.InterfaceSize);
                    Clock?.Lap(KernelPhase.InterfaceBackward);
                }
                else
                {
                    Floats.Clear(Values(t, row), _valueStride);
                }
            }

            MatrixProduct<T>.Multiply(
                RowCount, Values(t), _valueStride, _weights.InterfaceBack, top.HiddenGradient, top.HiddenStride, accumulate: true);
            Clock?.Lap(KernelPhase.InterfaceBackward);
            for (var i = _layers.Length - 1; i >= 0; i--)
            {
                _layers[i].Backward(t);
                if (i > 0)
                {
                    _layers[i].InputBackward(
                        t, 1, _layers[i - 1].HiddenGradient, _layers[i - 1].HiddenStride, accumulate: true);
                }
            }

            _layers[0].ReadsBackward(t, ReadGradients(0), _readStride);
            Clock?.Lap(KernelPhase.ControllerBackward);
        }

        gradients.Interface.AddOuterProducts(rows, _values.Pointer, _valueStride, top.Hidden(1), top.HiddenStride);
        gradients.InterfaceBias.AddRows(rows, _values.Pointer, _valueStride);
        _layers[0].AddGradients(steps, _inputs.Pointer, _inputStride, Reads(0), _readStride, gradients.Layers[0]);
        for (var i = 1; i < _layers.Length; i++)
        {
            var below = _layers[i - 1];
            _layers[i].AddGradients(steps, below.Hidden(1), below.HiddenStride, null, 0, gradients.Layers[i]);
        }

        Clock?.Lap(KernelPhase.WeightGradients);
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

    /// <summary>Forgets the memory part's gradients: nothing comes back from beyond the end of the sequences.</summary>
    protected abstract void ClearMemoryGradients();

    /// <summary>Prepares the memory part for going backward through step t of a segment.</summary>
    protected abstract void BeginMemoryBackward(int t, int steps);

    /// <summary>Undoes <see cref="MemoryForward"/> and <see cref="Activate"/>, taking in <see cref="ReadGradients"/>.</summary>
    /// <param name="t">The step in the segment.</param>
    /// <param name="row">The row.</param>
    /// <param name="valueGradients">Gets the gradients of the interface values before activation.</param>
    protected abstract void MemoryBackward(int t, int row, float* valueGradients);

    /// <summary>
    /// Takes the gradients of the memory part of a row's final state in, or gives those of its start out; one shared by all
    /// sequences has none.
    /// </summary>
    protected abstract void ExchangeMemoryGradients(int row, MemoryState state, bool takeIn);

    /// <summary>Gradients of the reads, <c>[read heads, width]</c>.</summary>
    protected float* ReadGradients(int row) => _readGradients.Pointer + ((long)row * _readStride);

    /// <summary>
    /// Takes the gradients of the final state in, or gives those of the start out; those of controller and reads that all
    /// sequences share are summed with the parameters' gradients.
    /// </summary>
    private void ExchangeStateGradients(IReadOnlyList<SequenceTensor> parts, bool takeIn)
    {
        var state = new MemoryState(parts, _shape.AddressingParts);
        for (var row = 0; row < Sequences; row++)
        {
            _states.MoveGradients(parts, row, takeIn, _gradients!.Layers);
            LayerStates<T>.Move(
                state.Reads, FirstSequence + row, 0, ReadGradients(row), _shape.ReadWidth, takeIn, _gradients!.StartReads);
            ExchangeMemoryGradients(row, state, takeIn);
        }
    }
}
