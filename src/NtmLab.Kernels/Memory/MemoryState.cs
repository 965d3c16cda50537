namespace NtmLab.Kernels;

/// <summary>The parts of the state of a controller with a memory, in the order of <see cref="MemoryShape.State"/>.</summary>
/// <param name="parts">All parts; the controller's hidden states and cells come first.</param>
/// <param name="addressing">How many of them addressing carries: <see cref="MemoryShape.AddressingParts"/>.</param>
internal readonly struct MemoryState(IReadOnlyList<SequenceTensor> parts, int addressing)
{
    /// <summary>The read vectors, <c>[read heads, width]</c>.</summary>
    public SequenceTensor Reads => parts[^(addressing + 2)];

    /// <summary>The memory, <c>[slots, width]</c>.</summary>
    public SequenceTensor Memory => parts[^(addressing + 1)];

    /// <summary>A part that addressing carries.</summary>
    /// <param name="index">Its place among them, as the network's shape names it.</param>
    public SequenceTensor Carried(int index) => parts[^(addressing - index)];
}
