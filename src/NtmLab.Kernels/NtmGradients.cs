namespace NtmLab.Kernels;

/// <summary>
/// Parameter gradients of one group of sequences, in one buffer so that groups are added in one pass, in the order of the
/// groups: the sum does not depend on which thread had which group.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmGradients<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;
    private readonly NativeBuffer _all;
    private readonly int _paddedUnits;
    private readonly long _inputWeight;
    private readonly long _recurrentWeight;
    private readonly long _gateBias;
    private readonly long _interfaceWeight;
    private readonly long _interfaceBias;
    private readonly long _outputWeight;
    private readonly long _outputBias;
    private readonly long _state;
    private readonly long _cell;

    public NtmGradients(NtmShape shape)
    {
        _shape = shape;
        _paddedUnits = Rows.Padded<T>(shape.Units);
        var gates = shape.Gates * _paddedUnits;
        InputStride = Rows.Padded<T>(shape.Inputs);
        RecurrentStride = Rows.Padded<T>(shape.RecurrentWidth);
        InterfaceStride = Rows.Padded<T>(shape.Units);
        OutputStride = Rows.Padded<T>(shape.StateWidth);
        var length = 0L;
        long Take(long size)
        {
            var start = length;
            length += (size + T.Count - 1) / T.Count * T.Count;
            return start;
        }

        _inputWeight = Take((long)gates * InputStride);
        _recurrentWeight = Take((long)gates * RecurrentStride);
        _gateBias = Take(gates);
        _interfaceWeight = Take((long)shape.InterfaceSize * InterfaceStride);
        _interfaceBias = Take(shape.InterfaceSize);
        _outputWeight = Take((long)shape.Outputs * OutputStride);
        _outputBias = Take(shape.Outputs);
        _state = Take(shape.ReadWidth + _paddedUnits);
        _cell = Take(_paddedUnits);
        _all = new NativeBuffer(length);
    }

    /// <summary>Distance between two rows of <see cref="InputWeight"/>.</summary>
    public int InputStride { get; }

    /// <summary>Distance between two rows of <see cref="RecurrentWeight"/>.</summary>
    public int RecurrentStride { get; }

    /// <summary>Distance between two rows of <see cref="InterfaceWeight"/>.</summary>
    public int InterfaceStride { get; }

    /// <summary>Distance between two rows of <see cref="OutputWeight"/>.</summary>
    public int OutputStride { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => _all.Bytes;

    /// <summary><c>[padded gates, inputs]</c>.</summary>
    public float* InputWeight => _all.Pointer + _inputWeight;

    /// <summary><c>[padded gates, recurrent width]</c>.</summary>
    public float* RecurrentWeight => _all.Pointer + _recurrentWeight;

    /// <summary><c>[padded gates]</c>.</summary>
    public float* GateBias => _all.Pointer + _gateBias;

    /// <summary><c>[interface size, units]</c>.</summary>
    public float* InterfaceWeight => _all.Pointer + _interfaceWeight;

    /// <summary><c>[interface size]</c>.</summary>
    public float* InterfaceBias => _all.Pointer + _interfaceBias;

    /// <summary><c>[outputs, state width]</c>.</summary>
    public float* OutputWeight => _all.Pointer + _outputWeight;

    /// <summary><c>[outputs]</c>.</summary>
    public float* OutputBias => _all.Pointer + _outputBias;

    /// <summary>Initial reads, then initial hidden, <c>[read width + padded units]</c>.</summary>
    public float* State => _all.Pointer + _state;

    /// <summary>Initial cell, <c>[padded units]</c>.</summary>
    public float* Cell => _all.Pointer + _cell;

    /// <summary>Sets all to 0.</summary>
    public void Clear() => _all.Clear();

    /// <summary>Adds the gradients of another group.</summary>
    public void Add(NtmGradients<T> other)
    {
        float* sum = _all.Pointer, term = other._all.Pointer;
        for (var i = 0L; i < _all.Length; i += T.Count)
        {
            (T.Load(sum + i) + T.Load(term + i)).Store(sum + i);
        }
    }

    /// <summary>Copies the gradients out in the layout of the parameters.</summary>
    public void CopyTo(NtmTensors target)
    {
        var (units, inputs, reads) = (_shape.Units, _shape.Inputs, _shape.ReadWidth);
        for (var gate = 0; gate < _shape.Gates; gate++)
        {
            for (var j = 0; j < units; j++)
            {
                var row = (long)gate * _paddedUnits + j;
                var to = ((long)gate * units) + j;
                var seen = target.InputWeight + (to * (inputs + reads));
                Copy(InputWeight + (row * InputStride), seen, inputs);
                Copy(RecurrentWeight + (row * RecurrentStride), seen + inputs, reads);
                target.Bias[to] = GateBias[row];
                if (_shape.Controller == NtmControllerKind.Lstm)
                {
                    Copy(RecurrentWeight + (row * RecurrentStride) + reads, target.HiddenWeight + (to * units), units);
                }
            }
        }

        for (var i = 0; i < _shape.InterfaceSize; i++)
        {
            Copy(InterfaceWeight + ((long)i * InterfaceStride), target.InterfaceWeight + ((long)i * units), units);
        }

        for (var i = 0; i < _shape.Outputs; i++)
        {
            var row = OutputWeight + ((long)i * OutputStride);
            var to = target.OutputWeight + ((long)i * (units + reads));
            Copy(row + reads, to, units);
            Copy(row, to + units, reads);
        }

        Copy(InterfaceBias, target.InterfaceBias, _shape.InterfaceSize);
        Copy(OutputBias, target.OutputBias, _shape.Outputs);
        Copy(State, target.InitialReads, reads);
        if (_shape.Controller == NtmControllerKind.Lstm)
        {
            Copy(State + reads, target.InitialHidden, units);
            Copy(Cell, target.InitialCell, units);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _all.Dispose();

    private static void Copy(float* source, float* target, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
}
