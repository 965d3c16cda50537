namespace NtmLab.Kernels;

/// <summary>What the backward pass of a group carries from step to step beside its layers' states, and its scratch.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmCarry<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NativeBuffer _memory;
    private readonly NativeBuffer _weightings;
    private readonly NativeBuffer _normGradient;
    private readonly NativeBuffer _productGradients;

    public NtmCarry(NtmShape shape, int rows)
    {
        var slots = Rows.Padded<T>(shape.Slots);
        _memory = new NativeBuffer((long)rows * shape.Width * slots);
        _weightings = new NativeBuffer((long)rows * shape.Heads * slots);
        _normGradient = new NativeBuffer(slots);
        _productGradients = new NativeBuffer((long)shape.Heads * slots);
    }

    /// <summary>Bytes held.</summary>
    public long Bytes => _memory.Bytes + _weightings.Bytes + _normGradient.Bytes + _productGradients.Bytes;

    /// <summary>Gradients of the memory, <c>[rows, width, padded slots]</c>.</summary>
    public float* Memory => _memory.Pointer;

    /// <summary>Gradients of the weightings, <c>[rows, heads, padded slots]</c>.</summary>
    public float* Weightings => _weightings.Pointer;

    /// <summary>Scratch: gradients through the slot norms.</summary>
    public float* NormGradient => _normGradient.Pointer;

    /// <summary>Scratch: gradients of the products of key and slot, <c>[heads, padded slots]</c>.</summary>
    public float* ProductGradients => _productGradients.Pointer;

    /// <summary>Forgets everything: nothing comes back from beyond the end of the sequences.</summary>
    public void Clear()
    {
        _memory.Clear();
        _weightings.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in new[] { _memory, _weightings, _normGradient, _productGradients })
        {
            buffer.Dispose();
        }
    }
}
