namespace NtmLab.Kernels;

/// <summary>What a group's backward pass carries from step to step, and its scratch.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmCarry<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NativeBuffer _first;
    private readonly NativeBuffer _second;
    private readonly NativeBuffer _cell;
    private readonly NativeBuffer _memory;
    private readonly NativeBuffer _weightings;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _normGradient;
    private readonly NativeBuffer _productGradients;
    private bool _inSecond;

    public NtmCarry(NtmShape shape, int rows, int stateStride, int units, int slots)
    {
        _first = new NativeBuffer((long)rows * stateStride);
        _second = new NativeBuffer((long)rows * stateStride);
        _cell = new NativeBuffer((long)rows * units);
        _memory = new NativeBuffer((long)rows * shape.Width * slots);
        _weightings = new NativeBuffer((long)rows * shape.Heads * slots);
        _values = new NativeBuffer(shape.InterfaceSize + T.Count);
        _normGradient = new NativeBuffer(slots);
        _productGradients = new NativeBuffer((long)shape.Heads * slots);
    }

    /// <summary>Gradient of the state at the end of the segment, <c>[rows, state stride]</c>.</summary>
    public float* State => _inSecond ? _second.Pointer : _first.Pointer;

    /// <summary>Room for the gradient of the state one step earlier.</summary>
    public float* NextState => _inSecond ? _first.Pointer : _second.Pointer;

    /// <summary>Gradient of the cell, <c>[rows, units]</c>.</summary>
    public float* Cell => _cell.Pointer;

    /// <summary>Gradient of the memory, <c>[rows, width, slots]</c>.</summary>
    public float* Memory => _memory.Pointer;

    /// <summary>Gradients of the weightings, <c>[rows, heads, slots]</c>.</summary>
    public float* Weightings => _weightings.Pointer;

    /// <summary>Scratch: gradients of one step's interface values.</summary>
    public float* Values => _values.Pointer;

    /// <summary>Scratch: gradients through the slot norms.</summary>
    public float* NormGradient => _normGradient.Pointer;

    /// <summary>Scratch: gradients of the products of key and slot, <c>[heads, slots]</c>.</summary>
    public float* ProductGradients => _productGradients.Pointer;

    /// <summary>Remembers which of the two state buffers holds the gradient of the segment's start.</summary>
    public void Keep(float* state) => _inSecond = state == _second.Pointer;

    /// <summary>Forgets everything: nothing comes back from beyond the end of the sequences.</summary>
    public void Clear()
    {
        foreach (var buffer in new[] { _first, _second, _cell, _memory, _weightings })
        {
            buffer.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in new[]
        {
            _first, _second, _cell, _memory, _weightings, _values, _normGradient, _productGradients,
        })
        {
            buffer.Dispose();
        }
    }
}
