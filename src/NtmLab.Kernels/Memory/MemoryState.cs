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

    /// <summary>The weightings of the read heads, <c>[read heads, slots]</c>.</summary>
    public SequenceTensor ReadWeightings => parts[^addressing];

    /// <summary>A Neural Turing Machine's weightings of the write heads, <c>[write heads, slots]</c>.</summary>
    public SequenceTensor WriteWeightings => parts[^(addressing - 1)];

    /// <summary>A sparse memory's usage, <c>[1, slots]</c>.</summary>
    public SequenceTensor Usage => parts[^(addressing - 1)];

    /// <summary>What a Neural Turing Machine's heads have cost so far, one number; only of a shape that has a price.</summary>
    public SequenceTensor Price => parts[^1];
}
