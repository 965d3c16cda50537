using System.Runtime.InteropServices;
using NtmLab.Kernels;
using NtmLab.Probes;

namespace NtmLab.Models;

/// <summary>Takes a trace from the kernel and gives it to a <see cref="HeadTrace"/>.</summary>
internal sealed unsafe class FusedTrace : IDisposable
{
    private readonly MemoryShape _shape;
    private readonly int _time;
    private readonly float[] _values;
    private readonly GCHandle _handle;
    private readonly int _reads;
    private readonly int _erase;
    private readonly int _add;

    public FusedTrace(MemoryShape shape, int time)
    {
        _shape = shape;
        _time = time;
        var written = shape.Writes * shape.Width;
        _reads = checked(time * shape.Heads * shape.Slots);
        _erase = checked(_reads + (time * shape.ReadWidth));
        _add = checked(_erase + (time * written));
        _values = new float[checked(_add + (time * written))];
        _handle = GCHandle.Alloc(_values, GCHandleType.Pinned);
        var first = (float*)_handle.AddrOfPinnedObject();
        Target = new MemoryTrace { Weightings = first, Reads = first + _reads, Erase = first + _erase, Add = first + _add };
    }

    /// <summary>Where the kernel writes.</summary>
    public MemoryTrace Target { get; }

    /// <summary>Records every step.</summary>
    public void CopyTo(HeadTrace trace)
    {
        for (var t = 0; t < _time; t++)
        {
            var weightings = Heads(0, t, _shape.Heads, _shape.Slots);
            trace.Record(new HeadStep(
                weightings[.._shape.ReadHeads],
                weightings[_shape.ReadHeads..],
                Heads(_reads, t, _shape.ReadHeads, _shape.Width),
                Heads(_erase, t, _shape.Writes, _shape.Width),
                Heads(_add, t, _shape.Writes, _shape.Width)));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Free();

    private float[][] Heads(int start, int step, int heads, int width) =>
        [.. Enumerable.Range(0, heads).Select(head =>
            _values.AsSpan(start + (((step * heads) + head) * width), width).ToArray())];
}
