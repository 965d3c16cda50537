using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that go through a stack of recurrent layers in step. Layer after layer goes over a whole segment, so that
/// all products with its input are one; only those with the hidden state go step by step.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class RecurrentGroup<T> : SequenceGroup<T>
    where T : unmanaged, ILanes<T>
{
    private readonly RecurrentShape _shape;
    private readonly RecurrentLayer<T>[] _layers;
    private readonly RecurrentGradients<T>? _gradients;
    private readonly LayerStates<T> _states;
    private readonly int _inputStride;
    private readonly NativeBuffer _inputs;
    private readonly NativeBuffer _fromAbove;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences.</param>
    /// <param name="plan">How time is cut.</param>
    public RecurrentGroup(
        RecurrentShape shape, LayerWeights<T>[] weights, int firstSequence, int sequences, SegmentPlan plan)
        : base(firstSequence, sequences)
    {
        _shape = shape;
        _inputStride = Rows.Padded<T>(shape.Inputs);
        _layers = [.. weights.Select(layer => new RecurrentLayer<T>(layer, RowCount, plan.Segment))];
        _gradients = plan.Keep ? new RecurrentGradients<T>(shape) : null;
        _states = new LayerStates<T>(_layers, shape.Units, firstSequence);
        _inputs = new NativeBuffer((long)plan.Segment * RowCount * _inputStride);
        _fromAbove = new NativeBuffer(plan.Keep ? (long)plan.Segment * RowCount * HiddenStride : 0);
    }

    /// <inheritdoc/>
    public override long BoundarySize => _layers.Sum(layer => layer.BoundarySize);

    /// <inheritdoc/>
    public override long Bytes =>
        _layers.Sum(layer => layer.Bytes) + (_gradients?.Bytes ?? 0) + _inputs.Bytes + _fromAbove.Bytes;

    /// <inheritdoc/>
    public override NetworkGradients<T> Gradients => _gradients!;

    private int HiddenStride => _layers[0].HiddenStride;

    /// <inheritdoc/>
    public override void Start()
    {
        foreach (var layer in _layers)
        {
            layer.ClearStart();
        }

        for (var row = 0; row < Sequences; row++)
        {
            _states.TakeIn(Call.Start, row);
        }
    }

    /// <inheritdoc/>
    public override void Save(int step, float* boundary) => Exchange(step, boundary, save: true);

    /// <inheritdoc/>
    public override void Restore(float* boundary) => Exchange(0, boundary, save: false);

    /// <inheritdoc/>
    public override void Forward(int first, int steps)
    {
        Gather(Call.Input, first, steps, _shape.Inputs, _inputs.Pointer, _inputStride);
        float* below = _inputs.Pointer;
        var stride = _inputStride;
        foreach (var layer in _layers)
        {
            layer.Begin(steps);
            layer.AddInput(0, steps, below, stride);
            for (var t = 0; t < steps; t++)
            {
                layer.Forward(t);
            }

            below = layer.Hidden(1);
            stride = layer.HiddenStride;
        }
    }

    /// <inheritdoc/>
    public override void GiveOut(int first, int steps) =>
        Scatter(_layers[^1].Hidden(1), HiddenStride, Call.Output, first, steps, _shape.Units);

    /// <inheritdoc/>
    public override void Finish(int steps)
    {
        for (var row = 0; Call.Final is { } final && row < Sequences; row++)
        {
            _states.GiveOut(final, row, steps);
        }
    }

    /// <inheritdoc/>
    public override void BeginBackward()
    {
        _gradients!.Clear();
        foreach (var layer in _layers)
        {
            layer.ClearGradients();
        }

        for (var row = 0; BackwardCall.FinalGradients is { } final && row < Sequences; row++)
        {
            _states.MoveGradients(final, row, takeIn: true, _gradients.Layers);
        }
    }

    /// <inheritdoc/>
    public override void Backward(int first, int steps)
    {
        Floats.Clear(_fromAbove.Pointer, (long)steps * RowCount * HiddenStride);
        Gather(BackwardCall.OutputGradients, first, steps, _shape.Units, _fromAbove.Pointer, HiddenStride);
        for (var i = _layers.Length - 1; i >= 0; i--)
        {
            var layer = _layers[i];
            for (var t = steps - 1; t >= 0; t--)
            {
                AddRows(_fromAbove.Pointer + ((long)t * RowCount * HiddenStride), layer.HiddenGradient);
                layer.Backward(t);
            }

            var below = i == 0 ? _inputs.Pointer : _layers[i - 1].Hidden(1);
            layer.AddGradients(steps, below, i == 0 ? _inputStride : HiddenStride, null, 0, _gradients!.Layers[i]);
            if (i > 0)
            {
                layer.InputBackward(0, steps, _fromAbove.Pointer, HiddenStride, accumulate: false);
            }
        }

        if (BackwardCall.InputGradients is not null)
        {
            // The inputs of this segment are used up: their room takes the gradients.
            _layers[0].InputBackward(0, steps, _inputs.Pointer, _inputStride, accumulate: false);
            Scatter(_inputs.Pointer, _inputStride, BackwardCall.InputGradients, first, steps, _shape.Inputs);
        }
    }

    /// <inheritdoc/>
    public override void EndBackward()
    {
        for (var row = 0; BackwardCall.StartGradients is { } start && row < Sequences; row++)
        {
            _states.MoveGradients(start, row, takeIn: false, _gradients!.Layers);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var held in _layers.Append<IDisposable>(_inputs).Append(_fromAbove))
        {
            held.Dispose();
        }

        _gradients?.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRows(float* terms, float* sums)
    {
        for (var i = 0; i < RowCount * HiddenStride; i += T.Count)
        {
            (T.Load(sums + i) + T.Load(terms + i)).Store(sums + i);
        }
    }

    private void Exchange(int step, float* boundary, bool save)
    {
        foreach (var layer in _layers)
        {
            boundary = layer.Exchange(step, boundary, save);
        }
    }
}
