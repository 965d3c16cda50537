namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that are computed in step, so that each weight is loaded once for all of them. Time is cut into segments;
/// what the backward pass needs is kept for one segment, and only the state at the start of the others, from which they are
/// computed again.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="firstSequence">The group's first sequence in the batch.</param>
/// <param name="sequences">How many sequences.</param>
internal abstract unsafe class SequenceGroup<T>(int firstSequence, int sequences) : IDisposable
    where T : unmanaged, ILanes<T>
{
    private SequenceCall? _call;
    private SequenceBackwardCall? _backwardCall;

    /// <summary>Floats of the state that a segment starts from, for all sequences.</summary>
    public abstract long BoundarySize { get; }

    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>The gradients, after the backward pass.</summary>
    public abstract NetworkGradients<T> Gradients { get; }

    /// <summary>The group's first sequence in the batch.</summary>
    protected int FirstSequence { get; } = firstSequence;

    /// <summary>How many sequences.</summary>
    protected int Sequences { get; } = sequences;

    /// <summary>Rows that they are computed with: the products take one row, or whole blocks of them.</summary>
    protected int RowCount { get; } = MatrixProduct<T>.PaddedRows(sequences);

    /// <summary>The batch under way.</summary>
    protected SequenceCall Call => _call!;

    /// <summary>The backward pass under way.</summary>
    protected SequenceBackwardCall BackwardCall => _backwardCall!;

    /// <summary>Whether the first pass over a segment is under way; not one that the backward pass repeats.</summary>
    protected bool IsFirstPass => _backwardCall is null;

    /// <summary>Names the batch that the next forward pass is of.</summary>
    public void Take(SequenceCall call)
    {
        _call = call;
        _backwardCall = null;
    }

    /// <summary>Names the backward pass that comes next.</summary>
    public void Take(SequenceBackwardCall call) => _backwardCall = call;

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

    /// <summary>Copies some steps in, from <c>[batch, time, width]</c> to <c>[steps, rows, stride]</c>.</summary>
    protected void Gather(float* source, int first, int steps, int width, float* target, int stride)
    {
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < Sequences; row++)
            {
                Floats.Copy(source + At(first + t, row, width), target + ((((long)t * RowCount) + row) * stride), width);
            }
        }
    }

    /// <summary>Copies some steps out, from <c>[steps, rows, stride]</c> to <c>[batch, time, width]</c>.</summary>
    protected void Scatter(float* source, int stride, float* target, int first, int steps, int width)
    {
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < Sequences; row++)
            {
                Floats.Copy(source + ((((long)t * RowCount) + row) * stride), target + At(first + t, row, width), width);
            }
        }
    }

    /// <summary>Where a step of a sequence of this group stands in a tensor <c>[batch, time, width]</c>.</summary>
    private long At(int step, int row, int width) => ((((long)FirstSequence + row) * Call.Time) + step) * width;
}
