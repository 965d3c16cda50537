namespace NtmLab.Kernels;

/// <summary>One batch of sequences that goes through a network.</summary>
public sealed unsafe class SequenceCall
{
    /// <summary>The parameters, in the order of <see cref="NetworkShape.Parameters"/>.</summary>
    public required IReadOnlyList<SequenceTensor> Parameters { get; init; }

    /// <summary>A number that stands for the parameters' values, so that the same need no preparing; 0 if unknown.</summary>
    public long ParameterVersion { get; init; }

    /// <summary>Sequences; 1 or more.</summary>
    public required int Batch { get; init; }

    /// <summary>Steps; 1 or more.</summary>
    public required int Time { get; init; }

    /// <summary>Inputs, <c>[batch, time, inputs]</c>.</summary>
    public required float* Input { get; init; }

    /// <summary>
    /// The state before the first step, in the order of <see cref="NetworkShape.State"/>; every part is given, but for those of
    /// <see cref="NetworkShape.KnownParts"/>, which may all be null.
    /// </summary>
    public required IReadOnlyList<SequenceTensor> Start { get; init; }

    /// <summary>Gets the output, <c>[batch, time, output width]</c>.</summary>
    public required float* Output { get; init; }

    /// <summary>Gets the state after the last step, one for each sequence; null if it is not wanted.</summary>
    public IReadOnlyList<SequenceTensor>? Final { get; init; }

    /// <summary>Gets what the heads of the first sequence do; null if it is not wanted, or there are no heads.</summary>
    public MemoryTrace? Trace { get; init; }
}

/// <summary>The backward pass of a <see cref="SequenceCall"/>: what comes in, and where gradients go.</summary>
public sealed unsafe class SequenceBackwardCall
{
    /// <summary>Gradients of the output, <c>[batch, time, output width]</c>.</summary>
    public required float* OutputGradients { get; init; }

    /// <summary>Gradients of the final state, one for each sequence; null, as a whole or in part, where they are 0.</summary>
    public IReadOnlyList<SequenceTensor>? FinalGradients { get; init; }

    /// <summary>Get the parameters' gradients.</summary>
    public required IReadOnlyList<SequenceTensor> Gradients { get; init; }

    /// <summary>Gets the input's gradients, <c>[batch, time, inputs]</c>; null if they are not wanted.</summary>
    public float* InputGradients { get; init; }

    /// <summary>
    /// Gets the gradients of the start, shared where the start is; null, as a whole or in part, where they are not wanted.
    /// </summary>
    public IReadOnlyList<SequenceTensor>? StartGradients { get; init; }
}
