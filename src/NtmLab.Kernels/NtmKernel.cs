namespace NtmLab.Kernels;

/// <summary>
/// Whole sequences through a Neural Turing Machine, forward and backward, without a graph: the equations are those of the
/// reference engine, step by step in <see cref="NtmAddressing{T}"/>, <see cref="NtmMemory{T}"/> and
/// <see cref="ControllerCell{T}"/>. Sequences are computed in groups of four; groups are shared among threads; results have
/// the same bits for every number of threads.
/// </summary>
public sealed unsafe class NtmKernel : IDisposable
{
    private readonly NtmShape _shape;
    private readonly NtmKernelOptions _options;
    private readonly VectorPath _path;
    private readonly List<NtmPlan> _free = [];

    /// <summary>Makes a kernel.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="options">Vector path, threads, memory.</param>
    /// <exception cref="ArgumentException">A size is out of range; the message names it.</exception>
    public NtmKernel(NtmShape shape, NtmKernelOptions options)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        _shape = shape;
        _options = options;
        _path = options.Path == VectorPath.Auto ? VectorPaths.Best : options.Path;
    }

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long FreeBytes => _free.Sum(plan => plan.Bytes);

    /// <summary>Computes the logits of a batch.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="input">Inputs, <c>[batch, time, inputs]</c>.</param>
    /// <param name="batch">Sequences; at least 1.</param>
    /// <param name="time">Steps; at least 1.</param>
    /// <param name="logits">Gets the logits, <c>[batch, time, outputs]</c>.</param>
    /// <param name="keep">Whether a backward pass will follow.</param>
    /// <returns>What the backward pass needs, to be disposed; null without <paramref name="keep"/>.</returns>
    public NtmPlan? Forward(NtmTensors parameters, float* input, int batch, int time, float* logits, bool keep)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(time, 1);
        var plan = Take(batch, time, keep);
        plan.Forward(parameters, input, time, logits);
        if (keep)
        {
            return plan;
        }

        Return(plan);
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_free)
        {
            foreach (var plan in _free)
            {
                plan.Free();
            }

            _free.Clear();
        }
    }

    internal void Return(NtmPlan plan)
    {
        lock (_free)
        {
            _free.Add(plan);
        }
    }

    private NtmPlan Take(int batch, int time, bool keep)
    {
        lock (_free)
        {
            var index = _free.FindIndex(plan => plan.Serves(batch, time, keep));
            if (index >= 0)
            {
                var plan = _free[index];
                _free.RemoveAt(index);
                return plan;
            }

            // A plan that has become too small, or waits for another batch size, gives its room to the new one.
            foreach (var outgrown in _free)
            {
                outgrown.Free();
            }

            _free.Clear();
        }

        return _path switch
        {
            VectorPath.Vector512 => new NtmPlan<Lanes512>(this, _shape, _options, batch, time, keep),
            VectorPath.Vector256 => new NtmPlan<Lanes256>(this, _shape, _options, batch, time, keep),
            VectorPath.Vector128 => new NtmPlan<Lanes128>(this, _shape, _options, batch, time, keep),
            _ => new NtmPlan<Lanes1>(this, _shape, _options, batch, time, keep),
        };
    }
}

/// <summary>How a kernel computes.</summary>
public sealed record NtmKernelOptions
{
    /// <summary>How many floats at once.</summary>
    public VectorPath Path { get; init; } = VectorPath.Auto;

    /// <summary>Threads that groups of sequences are shared among; 1 or more.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// Bytes that a forward pass may keep for its backward pass. Where whole sequences need more, they are cut into segments
    /// of about the square root of their length, and computed twice.
    /// </summary>
    public long MemoryBudget { get; init; } = 64L << 20;

    /// <summary>The value of every memory cell before the first step.</summary>
    public float InitialMemory { get; init; } = 1e-6f;
}
