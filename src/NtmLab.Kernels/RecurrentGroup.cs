using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// A few sequences that go through a stack of recurrent layers in step. Layer after layer goes over a whole segment, so that
/// all products with its input are one; only those with the hidden state go step by step.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class RecurrentGroup<T> : SequenceGroup
    where T : unmanaged, ILanes<T>
{
    private readonly RecurrentShape _shape;
    private readonly RecurrentLayer<T>[] _layers;
    private readonly LayerGradients<T>[] _gradients;
    private readonly LayerStart<T> _start;
    private readonly int _firstSequence;
    private readonly int _sequences;
    private readonly int _rows;
    private readonly int _inputStride;
    private readonly NativeBuffer _inputs;
    private readonly NativeBuffer _fromAbove;
    private RecurrentCall? _call;
    private RecurrentBackwardCall? _backwardCall;

    /// <summary>Makes room for one group.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="firstSequence">The group's first sequence in the batch.</param>
    /// <param name="sequences">How many sequences; at most <see cref="Most"/>.</param>
    /// <param name="plan">How time is cut.</param>
    public RecurrentGroup(
        RecurrentShape shape, LayerWeights<T>[] weights, int firstSequence, int sequences, SegmentPlan plan)
    {
        _shape = shape;
        _firstSequence = firstSequence;
        _sequences = sequences;
        _rows = RowsOf(sequences);
        _inputStride = Rows.Padded<T>(shape.Inputs);
        _layers = [.. weights.Select(layer => new RecurrentLayer<T>(layer, _rows, plan.Segment))];
        _gradients = plan.Keep ? [.. weights.Select(layer => new LayerGradients<T>(layer.Shape))] : [];
        _start = new LayerStart<T>(_layers, shape.Units, firstSequence);
        _inputs = new NativeBuffer((long)plan.Segment * _rows * _inputStride);
        _fromAbove = new NativeBuffer(plan.Keep ? (long)plan.Segment * _rows * Rows.Padded<T>(shape.Units) : 0);
    }

    /// <summary>The most sequences of a group: enough to use each weight well, few enough to share a batch of 16.</summary>
    public static int Most => 2 * MatrixProduct<T>.RowBlock;

    /// <inheritdoc/>
    public override long BoundarySize => _layers.Sum(layer => layer.BoundarySize);

    /// <inheritdoc/>
    public override long Bytes =>
        _layers.Sum(layer => layer.Bytes) + _gradients.Sum(layer => layer.Bytes) + _inputs.Bytes + _fromAbove.Bytes;

    /// <summary>The parameters' gradients of each layer, after the backward pass.</summary>
    public LayerGradients<T>[] Gradients => _gradients;

    private int HiddenStride => _layers[0].HiddenStride;

    /// <summary>Bytes that one step of one group of this many sequences keeps.</summary>
    public static long BytesPerStep(RecurrentShape shape, int sequences)
    {
        var layers = Enumerable.Range(0, shape.Layers).Sum(i => RecurrentLayer<T>.FloatsPerStep(shape.Layer(i)));
        return (layers + Rows.Padded<T>(shape.Inputs) + Rows.Padded<T>(shape.Units)) * RowsOf(sequences) * sizeof(float);
    }

    /// <summary>Names the batch that the next forward pass is of.</summary>
    public void Take(RecurrentCall call) => _call = call;

    /// <summary>Names the backward pass that comes next.</summary>
    public void Take(RecurrentBackwardCall call) => _backwardCall = call;

    /// <inheritdoc/>
    public override void Start()
    {
        foreach (var layer in _layers)
        {
            layer.ClearStart();
        }

        for (var row = 0; row < _sequences; row++)
        {
            _start.TakeIn(_call!.Start.Hidden, _call.Start.Cells, row);
        }
    }

    /// <inheritdoc/>
    public override void Save(int step, float* boundary) => Exchange(step, boundary, save: true);

    /// <inheritdoc/>
    public override void Restore(float* boundary) => Exchange(0, boundary, save: false);

    /// <inheritdoc/>
    public override void Forward(int first, int steps)
    {
        Gather(_call!.Input, first, steps, _shape.Inputs, _inputs.Pointer, _inputStride);
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
    public override void GiveOut(int first, int steps)
    {
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < _sequences; row++)
            {
                Floats.Copy(_layers[^1].Hidden(t + 1, row), _call!.Output + At(first + t, row, _shape.Units), _shape.Units);
            }
        }
    }

    /// <inheritdoc/>
    public override void Finish(int steps)
    {
        for (var row = 0; _call!.Final is { } final && row < _sequences; row++)
        {
            _start.GiveOut(final.Hidden, final.Cells, row, steps);
        }
    }

    /// <inheritdoc/>
    public override void BeginBackward()
    {
        foreach (var gradient in _gradients)
        {
            gradient.Clear();
        }

        foreach (var layer in _layers)
        {
            layer.ClearGradients();
        }

        for (var row = 0; _backwardCall!.FinalGradients is { } final && row < _sequences; row++)
        {
            _start.MoveGradients(final.Hidden, final.Cells, row, takeIn: true, _gradients);
        }
    }

    /// <inheritdoc/>
    public override void Backward(int first, int steps)
    {
        Floats.Clear(_fromAbove.Pointer, (long)steps * _rows * HiddenStride);
        Gather(_backwardCall!.OutputGradients, first, steps, _shape.Units, _fromAbove.Pointer, HiddenStride);
        for (var i = _layers.Length - 1; i >= 0; i--)
        {
            var layer = _layers[i];
            for (var t = steps - 1; t >= 0; t--)
            {
                AddRows(_fromAbove.Pointer + ((long)t * _rows * HiddenStride), layer.HiddenGradient);
                layer.Backward(t);
            }

            var below = i == 0 ? _inputs.Pointer : _layers[i - 1].Hidden(1);
            layer.AddGradients(steps, below, i == 0 ? _inputStride : HiddenStride, null, 0, _gradients[i]);
            if (i > 0)
            {
                layer.InputBackward(0, steps, _fromAbove.Pointer, HiddenStride, accumulate: false);
            }
        }

        if (_backwardCall.InputGradients is not null)
        {
            // The inputs of this segment are used up: their room takes the gradients.
            _layers[0].InputBackward(0, steps, _inputs.Pointer, _inputStride, accumulate: false);
            for (var t = 0; t < steps; t++)
            {
                for (var row = 0; row < _sequences; row++)
                {
                    Floats.Copy(
                        _inputs.Pointer + ((((long)t * _rows) + row) * _inputStride),
                        _backwardCall.InputGradients + At(first + t, row, _shape.Inputs),
                        _shape.Inputs);
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void EndBackward()
    {
        for (var row = 0; _backwardCall!.StartGradients is { } start && row < _sequences; row++)
        {
            _start.MoveGradients(start.Hidden, start.Cells, row, takeIn: false, _gradients);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var held in _layers.Concat<IDisposable>(_gradients).Append(_inputs).Append(_fromAbove))
        {
            held.Dispose();
        }
    }

    private static int RowsOf(int sequences) => MatrixProduct<T>.PaddedRows(sequences);

    /// <summary>From <c>[batch, time, width]</c> to <c>[steps, rows, stride]</c>.</summary>
    private void Gather(float* source, int first, int steps, int width, float* target, int stride)
    {
        for (var t = 0; t < steps; t++)
        {
            for (var row = 0; row < _sequences; row++)
            {
                Floats.Copy(source + At(first + t, row, width), target + ((((long)t * _rows) + row) * stride), width);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRows(float* terms, float* sums)
    {
        for (var i = 0; i < _rows * HiddenStride; i += T.Count)
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

    /// <summary>Where a step of a sequence of this group stands in a tensor <c>[batch, time, width]</c>.</summary>
    private long At(int step, int row, int width) => ((((long)_firstSequence + row) * _call!.Time) + step) * width;
}
