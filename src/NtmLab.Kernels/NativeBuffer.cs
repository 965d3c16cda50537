using System.Runtime.InteropServices;

namespace NtmLab.Kernels;

/// <summary>Zeroed memory outside the managed heap, aligned for the widest registers.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const int Alignment = 64;

    private float* _pointer;

    /// <summary>Allocates zeroed floats; none is allowed.</summary>
    /// <exception cref="OutOfMemoryException">The system has no room.</exception>
    public NativeBuffer(long length)
    {
        Length = length;
        _pointer = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(Bytes, Alignment), Alignment);
        Clear();
    }

    /// <summary>Frees a buffer that was not disposed.</summary>
    ~NativeBuffer() => Free();

    /// <summary>The first float.</summary>
    public float* Pointer =>
        _pointer is null ? throw new ObjectDisposedException(nameof(NativeBuffer)) : _pointer;

    /// <summary>The number of floats.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes held.</summary>
    public long Bytes => Length * sizeof(float);

    /// <summary>Sets every float to 0.</summary>
    public void Clear() => NativeMemory.Clear(Pointer, (nuint)Bytes);

    /// <summary>Makes room for at least as many floats, keeping those that are there; the rest are 0.</summary>
    public void Grow(long length)
    {
        if (length <= Length)
        {
            return;
        }

        var old = Pointer;
        var kept = Bytes;
        Length = Math.Max(length, 2 * Length);
        _pointer = (float*)NativeMemory.AlignedAlloc((nuint)Bytes, Alignment);
        Buffer.MemoryCopy(old, _pointer, Bytes, kept);
        NativeMemory.Clear((byte*)_pointer + kept, (nuint)(Bytes - kept));
        NativeMemory.AlignedFree(old);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_pointer is not null)
        {
            NativeMemory.AlignedFree(_pointer);
            _pointer = null;
        }
    }
}
