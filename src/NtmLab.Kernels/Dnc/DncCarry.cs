namespace NtmLab.Kernels;

/// <summary>What the backward pass of a group carries from step to step beside its layers' states, and its scratch.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class DncCarry<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly DncShape _shape;
    private readonly int _padded;
    private readonly NativeBuffer _states;
    private readonly NativeBuffer _scratch;

    public DncCarry(DncShape shape, int rows)
    {
        _shape = shape;
        _padded = Rows.Padded<T>(shape.Slots);
        _states = new NativeBuffer(rows * DncState.Size(shape, _padded));
        _scratch = new NativeBuffer((shape.ReadHeads + 4L) * _padded);
    }

    /// <summary>Bytes held.</summary>
    public long Bytes => _states.Bytes + _scratch.Bytes;

    /// <summary>Scratch: the gradient of a head's content weighting, <c>[padded slots]</c>.</summary>
    public float* Content => _scratch.Pointer;

    /// <summary>Scratch: the gradient of the allocation weighting, <c>[padded slots]</c>.</summary>
    public float* Allocation => Content + _padded;

    /// <summary>Scratch: the gradient of a head's backward weighting, <c>[padded slots]</c>.</summary>
    public float* Backward => Allocation + _padded;

    /// <summary>Scratch: the gradient of its forward weighting, <c>[padded slots]</c>.</summary>
    public float* Forward => Backward + _padded;

    /// <summary>Scratch: gradients of the products of key and slot, <c>[read heads, padded slots]</c>.</summary>
    public float* Products => Forward + _padded;

    /// <summary>Gradients of a row's state; the norms are scratch.</summary>
    public DncState State(int row) => new(_shape, _padded, _states.Pointer + (row * DncState.Size(_shape, _padded)));

    /// <summary>Forgets everything: nothing comes back from beyond the end of the sequences.</summary>
    public void Clear() => _states.Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        _states.Dispose();
        _scratch.Dispose();
    }
}
