namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that are computed in step, so that each weight is loaded once for all of them. Time is cut into segments;
/// what the backward pass needs is kept for one segment, and only the state at the start of the others, from which they are
/// computed again.
/// </summary>
internal abstract unsafe class SequenceGroup : IDisposable
{
    /// <summary>Floats of the state that a segment starts from, for all sequences.</summary>
    public abstract long BoundarySize { get; }

    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>Puts every sequence at its start.</summary>
    public abstract void Start();

    /// <summary>Copies the state at a step of the segment out to a boundary.</summary>
    public abstract void Save(int step, float* boundary);

    /// <summary>Puts a boundary back as the segment's start.</summary>
    public abstract void Restore(float* boundary);

    /// <summary>Computes a segment from its start.</summary>
    /// <param name="first">The segment's first step in the sequences.</param>
    /// <param name="steps">Its steps.</param>
    public abstract void Forward(int first, int steps);

    /// <summary>Gives out the results of a computed segment.</summary>
    /// <param name="first">The segment's first step in the sequences.</param>
    /// <param name="steps">Its steps.</param>
    public abstract void GiveOut(int first, int steps);

    /// <summary>Gives out the state after the last segment.</summary>
    /// <param name="steps">Steps of that segment.</param>
    public abstract void Finish(int steps);

    /// <summary>Takes in what comes back from the final state.</summary>
    public abstract void BeginBackward();

    /// <summary>Goes backward through a computed segment.</summary>
    /// <param name="first">The segment's first step in the sequences.</param>
    /// <param name="steps">Its steps.</param>
    public abstract void Backward(int first, int steps);

    /// <summary>Gives out the gradients of the start.</summary>
    public abstract void EndBackward();

    /// <inheritdoc/>
    public abstract void Dispose();
}
