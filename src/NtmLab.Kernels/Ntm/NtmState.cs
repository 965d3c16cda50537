namespace NtmLab.Kernels;

/// <summary>The parts of a Neural Turing Machine's state, in the order of <see cref="NtmShape.State"/>.</summary>
/// <param name="parts">All parts; the controller's hidden states and cells come first.</param>
internal readonly struct NtmState(IReadOnlyList<SequenceTensor> parts)
{
    /// <summary>The read vectors, <c>[read heads, width]</c>.</summary>
    public SequenceTensor Reads => parts[^4];

    /// <summary>The memory, <c>[slots, width]</c>.</summary>
    public SequenceTensor Memory => parts[^3];

    /// <summary>The weightings of the read heads, <c>[read heads, slots]</c>.</summary>
    public SequenceTensor ReadWeightings => parts[^2];

    /// <summary>The weightings of the write heads, <c>[write heads, slots]</c>.</summary>
    public SequenceTensor WriteWeightings => parts[^1];
}
