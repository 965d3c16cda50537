namespace NtmLab.Kernels;

/// <summary>What a Neural Turing Machine carries from step to step, in the layout of the reference engine.</summary>
public sealed class NtmState
{
    /// <summary>The hidden state of each layer, <c>[units]</c>; empty for a feed-forward controller.</summary>
    public required IReadOnlyList<StateTensor> Hidden { get; init; }

    /// <summary>The cell of each layer, <c>[units]</c>; empty unless the controller is an LSTM.</summary>
    public required IReadOnlyList<StateTensor> Cells { get; init; }

    /// <summary>The read vectors, <c>[read heads, width]</c>.</summary>
    public StateTensor Reads { get; init; }

    /// <summary>The memory, <c>[slots, width]</c>.</summary>
    public StateTensor Memory { get; init; }

    /// <summary>The weightings of the read heads, <c>[read heads, slots]</c>.</summary>
    public StateTensor ReadWeightings { get; init; }

    /// <summary>The weightings of the write heads, <c>[write heads, slots]</c>.</summary>
    public StateTensor WriteWeightings { get; init; }
}
