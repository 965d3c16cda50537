namespace NtmLab.Kernels;

/// <summary>One batch that goes through a Neural Turing Machine.</summary>
public sealed unsafe class NtmCall
{
    /// <summary>The parameters.</summary>
    public required NtmTensors Parameters { get; init; }

    /// <summary>A number that stands for the parameters' values, so that the same need no preparing; 0 if unknown.</summary>
    public long ParameterVersion { get; init; }

    /// <summary>Sequences; 1 or more.</summary>
    public required int Batch { get; init; }

    /// <summary>Steps; 1 or more.</summary>
    public required int Time { get; init; }

    /// <summary>Inputs, <c>[batch, time, inputs]</c>.</summary>
    public required float* Input { get; init; }

    /// <summary>The state before the first step; every part is given.</summary>
    public required NtmState Start { get; init; }

    /// <summary>Gets the logits, <c>[batch, time, outputs]</c>.</summary>
    public required float* Logits { get; init; }

    /// <summary>Gets the state after the last step, one for each sequence; null if it is not wanted.</summary>
    public NtmState? Final { get; init; }

    /// <summary>Gets what the heads of the first sequence do; null if it is not wanted.</summary>
    public NtmTrace? Trace { get; init; }
}

/// <summary>Where a trace of the first sequence's heads goes.</summary>
public sealed unsafe class NtmTrace
{
    /// <summary>Weightings, read heads first, <c>[time, heads, slots]</c>.</summary>
    public required float* Weightings { get; init; }

    /// <summary>Read vectors, <c>[time, read heads, width]</c>.</summary>
    public required float* Reads { get; init; }

    /// <summary>Erase vectors, <c>[time, write heads, width]</c>.</summary>
    public required float* Erase { get; init; }

    /// <summary>Add vectors, <c>[time, write heads, width]</c>.</summary>
    public required float* Add { get; init; }
}

/// <summary>The backward pass of a <see cref="NtmCall"/>: what comes in, and where gradients go.</summary>
public sealed unsafe class NtmBackwardCall
{
    /// <summary>Gradients of the logits, <c>[batch, time, outputs]</c>.</summary>
    public required float* LogitGradients { get; init; }

    /// <summary>Gradients of the final state, one for each sequence; null, as a whole or in part, where they are 0.</summary>
    public NtmState? FinalGradients { get; init; }

    /// <summary>Get the parameters' gradients.</summary>
    public required NtmTensors Gradients { get; init; }

    /// <summary>Gets the input's gradients, <c>[batch, time, inputs]</c>; null if they are not wanted.</summary>
    public float* InputGradients { get; init; }

    /// <summary>
    /// Gets the gradients of the start, shared where the start is; null, as a whole or in part, where they are not wanted. A
    /// shared memory and shared weightings have none.
    /// </summary>
    public NtmState? StartGradients { get; init; }
}
