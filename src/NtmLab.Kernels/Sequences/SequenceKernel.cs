namespace NtmLab.Kernels;

/// <summary>
/// Whole sequences through a network, forward and backward, without a graph. Sequences are computed in small groups; groups
/// are shared among threads; results have the same bits for every number of threads. Equations:
/// <see cref="RecurrentCell{T}"/>, <see cref="NtmInterface"/>, <see cref="ContentAddressing{T}"/>,
/// <see cref="NtmAddressing{T}"/>, <see cref="MemoryMatrix{T}"/>,
/// <see cref="SparseInterface{T}"/>, <see cref="SparseAccess{T}"/>, <see cref="DncInterface{T}"/>, <see cref="DncUsage{T}"/>,
/// <see cref="DncWeightings{T}"/>, <see cref="DncLinks{T}"/>.
/// </summary>
public sealed class SequenceKernel : IDisposable
{
    private readonly NetworkShape _shape;
    private readonly KernelOptions _options;
    private readonly PlanStore _plans = new();

    /// <summary>Makes a kernel.</summary>
    /// <param name="shape">The network.</param>
    /// <param name="options">Vector path, threads, memory.</param>
    /// <exception cref="ArgumentException">A size or option is out of range; the message names it.</exception>
    public SequenceKernel(NetworkShape shape, KernelOptions options)
    {
        shape.Validate();
        options.Validate();
        _shape = shape;
        _options = options;
    }

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long FreeBytes => _plans.FreeBytes;

    /// <summary>Computes the outputs of a batch.</summary>
    /// <param name="call">The batch.</param>
    /// <param name="keep">Whether a backward pass will follow.</param>
    /// <returns>What the backward pass needs, to be disposed; null without <paramref name="keep"/>.</returns>
    public SequencePlan? Forward(SequenceCall call, bool keep)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(call.Batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(call.Time, 1);
        var plan = _plans.Take(call.Batch, call.Time, keep, () => Make(call.Batch, call.Time, keep));
        plan.Forward(call);
        if (keep)
        {
            return plan;
        }

        plan.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _plans.Dispose();

    private SequencePlan Make(int batch, int time, bool keep) => _options.ChosenPath switch
    {
        VectorPath.Vector512 => new SequencePlan<Lanes512>(_shape, _options, batch, time, keep),
        VectorPath.Vector256 => new SequencePlan<Lanes256>(_shape, _options, batch, time, keep),
        VectorPath.Vector128 => new SequencePlan<Lanes128>(_shape, _options, batch, time, keep),
        _ => new SequencePlan<Lanes1>(_shape, _options, batch, time, keep),
    };
}
