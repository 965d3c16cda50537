namespace NtmLab.Kernels;

/// <summary>The parts of the state of a controller with a memory, in the order of <see cref="MemoryShape.State"/>.</summary>
/// <param name="parts">All parts; the controller's hidden states and cells come first.</param>
internal readonly struct MemoryState(IReadOnlyList<SequenceTensor> parts)
{
    /// <summary>The read vectors, <c>[read heads, width]</c>.</summary>
    public SequenceTensor Reads => parts[^4];

    /// <summary>The memory, <c>[slots, width]</c>.</summary>
    public SequenceTensor Memory => parts[^3];

    /// <summary>The weightings of the read heads, <c>[read heads, slots]</c>.</summary>
    public SequenceTensor ReadWeightings => parts[^2];

    /// <summary>A Neural Turing Machine's weightings of the write heads, <c>[write heads, slots]</c>.</summary>
    public SequenceTensor WriteWeightings => parts[^1];

    /// <summary>A sparse memory's usage, <c>[1, slots]</c>.</summary>
    public SequenceTensor Usage => parts[^1];
}
