namespace NtmLab.Kernels;

/// <summary>The workspace of one batch: what a forward pass keeps until its backward pass. Disposing gives it back.</summary>
public abstract unsafe class NtmPlan : IDisposable
{
    private readonly NtmKernel _owner;

    private protected NtmPlan(NtmKernel owner) => _owner = owner;

    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>Goes backward through the forward pass that this plan was made for; once only.</summary>
    /// <param name="logitGradients">Gradients of the logits, <c>[batch, time, outputs]</c>.</param>
    /// <param name="gradients">Get the parameters' gradients.</param>
    /// <param name="inputGradients">Gets the input's gradients, <c>[batch, time, inputs]</c>; null if not wanted.</param>
    public abstract void Backward(float* logitGradients, NtmTensors gradients, float* inputGradients);

    /// <inheritdoc/>
    public void Dispose()
    {
        _owner.Return(this);
        GC.SuppressFinalize(this);
    }

    internal abstract bool Serves(int batch, int time, bool keep);

    internal abstract void Forward(NtmTensors parameters, float* input, int time, float* logits);

    internal abstract void Free();
}

/// <summary>A plan for one width of lanes.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmPlan<T> : NtmPlan
    where T : unmanaged, ILanes<T>
{
    private readonly NtmShape _shape;
    private readonly NtmKernelOptions _options;
    private readonly NtmWeights<T> _weights;
    private readonly NtmGroup<T>[] _groups;
    private readonly NativeBuffer[] _boundaries;
    private readonly NtmCarry<T>[] _carries;
    private readonly NtmGradients<T>[] _gradients;
    private readonly int _batch;
    private readonly int _capacity;
    private readonly int _segment;
    private readonly bool _keep;
    private NtmTensors _parameters;
    private float* _input;
    private int _time;

    public NtmPlan(NtmKernel owner, NtmShape shape, NtmKernelOptions options, int batch, int time, bool keep)
        : base(owner)
    {
        _shape = shape;
        _options = options;
        _batch = batch;
        _keep = keep;
        (_segment, _capacity) = Extent(shape, options, batch, time, keep);
        _weights = new NtmWeights<T>(shape);
        var count = (batch + GroupSize - 1) / GroupSize;
        _groups = new NtmGroup<T>[count];
        _boundaries = new NativeBuffer[count];
        _carries = new NtmCarry<T>[keep ? count : 0];
        _gradients = new NtmGradients<T>[keep ? count : 0];
        var segments = (_capacity + _segment - 1) / _segment;
        for (var i = 0; i < count; i++)
        {
            _groups[i] = new NtmGroup<T>(shape, _weights, Math.Min(GroupSize, batch - (i * GroupSize)), _segment);
            _boundaries[i] = new NativeBuffer(segments > 1 ? (keep ? segments : 1) * _groups[i].BoundarySize : 0);
            if (keep)
            {
                _carries[i] = _groups[i].MakeCarry();
                _gradients[i] = new NtmGradients<T>(shape);
            }
        }
    }

    /// <inheritdoc/>
    public override long Bytes =>
        _weights.Bytes + _groups.Sum(group => group.Bytes) + _boundaries.Sum(boundary => boundary.Bytes)
        + _gradients.Sum(gradient => gradient.Bytes);

    private static int GroupSize => MatrixProduct<T>.RowBlock;

    /// <inheritdoc/>
    public override void Backward(float* logitGradients, NtmTensors gradients, float* inputGradients)
    {
        ForEachGroup(i => BackwardGroup(i, logitGradients, inputGradients));
        for (var i = 1; i < _gradients.Length; i++)
        {
            _gradients[0].Add(_gradients[i]);
        }

        _gradients[0].CopyTo(gradients);
    }

    internal override bool Serves(int batch, int time, bool keep) =>
        batch == _batch && time <= _capacity && (keep ? _keep && 4L * time >= _capacity : !_keep);

    internal override void Forward(NtmTensors parameters, float* input, int time, float* logits)
    {
        _parameters = parameters;
        _input = input;
        _time = time;
        _weights.Pack(parameters, _keep);
        ForEachGroup(i => ForwardGroup(i, logits));
    }

    internal override void Free()
    {
        _weights.Dispose();
        foreach (var held in _groups.Concat<IDisposable>(_boundaries).Concat(_carries).Concat(_gradients))
        {
            held.Dispose();
        }
    }

    private static (int Segment, int Capacity) Extent(
        NtmShape shape, NtmKernelOptions options, int batch, int time, bool keep)
    {
        const int evaluationSegment = 32;
        if (!keep)
        {
            return (Math.Min(time, evaluationSegment), int.MaxValue - evaluationSegment);
        }

        // Some room to grow, so that batches of different lengths share one plan.
        var capacity = Math.Max(time, Math.Min(2 * time, 64));
        var groups = (batch + GroupSize - 1) / GroupSize;
        var perStep = groups * NtmGroup<T>.BytesPerStep(shape, Math.Min(batch, GroupSize));
        return perStep * (capacity + 1L) <= options.MemoryBudget
            ? (capacity, capacity)
            : (Math.Max(16, (int)Math.Sqrt(capacity)), capacity);
    }

    private void ForwardGroup(int index, float* logits)
    {
        var group = _groups[index];
        var boundary = _boundaries[index].Pointer;
        var input = _input + ((long)index * GroupSize * _time * _shape.Inputs);
        var output = logits + ((long)index * GroupSize * _time * _shape.Outputs);
        group.Start(_parameters, _options.InitialMemory);
        for (var start = 0; start < _time; start += _segment)
        {
            var steps = Math.Min(_segment, _time - start);
            if (start > 0)
            {
                var kept = boundary + (_keep ? start / _segment * group.BoundarySize : 0);
                group.Advance(_segment, kept);
            }

            group.ForwardSegment(input + ((long)start * _shape.Inputs), (long)_time * _shape.Inputs, steps);
            group.Logits(output + ((long)start * _shape.Outputs), (long)_time * _shape.Outputs, steps);
        }
    }

    private void BackwardGroup(int index, float* logitGradients, float* inputGradients)
    {
        var group = _groups[index];
        var carry = _carries[index];
        var gradients = _gradients[index];
        long inputStride = (long)_time * _shape.Inputs, outputStride = (long)_time * _shape.Outputs;
        var input = _input + (index * GroupSize * inputStride);
        var output = logitGradients + (index * GroupSize * outputStride);
        var back = inputGradients is null ? null : inputGradients + (index * GroupSize * inputStride);
        carry.Clear();
        gradients.Clear();
        var last = (_time - 1) / _segment * _segment;
        for (var start = last; start >= 0; start -= _segment)
        {
            var steps = Math.Min(_segment, _time - start);
            if (start < last)
            {
                if (start > 0)
                {
                    group.Restore(_boundaries[index].Pointer + (start / _segment * group.BoundarySize));
                }
                else
                {
                    group.Start(_parameters, _options.InitialMemory);
                }

                group.ForwardSegment(input + ((long)start * _shape.Inputs), inputStride, steps);
            }

            group.BackwardSegment(
                output + ((long)start * _shape.Outputs),
                outputStride,
                back is null ? null : back + ((long)start * _shape.Inputs),
                inputStride,
                steps,
                carry,
                gradients);
        }

        group.AddStart(carry, gradients);
    }

    private void ForEachGroup(Action<int> work)
    {
        if (_options.Threads == 1 || _groups.Length == 1)
        {
            for (var i = 0; i < _groups.Length; i++)
            {
                work(i);
            }
        }
        else
        {
            Parallel.For(0, _groups.Length, new ParallelOptions { MaxDegreeOfParallelism = _options.Threads }, work);
        }
    }
}
