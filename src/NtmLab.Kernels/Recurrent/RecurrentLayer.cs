namespace NtmLab.Kernels;

/// <summary>
/// One layer over a segment of time, for a few sequences (rows) in step. Kept per step and row, for the backward pass:
/// <list type="bullet">
/// <item>the blocks of <see cref="CellKinds"/>: activated, and in the backward pass turned into their gradients;</item>
/// <item>hidden state, and an LSTM's cell, with one more step: the start.</item>
/// </list>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class RecurrentLayer<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly LayerShape _shape;
    private readonly LayerWeights<T> _weights;
    private readonly int _rows;
    private readonly int _blockStride;
    private readonly int _firstHidden;
    private readonly NativeBuffer _blocks;
    private readonly NativeBuffer _hidden;
    private readonly NativeBuffer _cells;
    private readonly NativeBuffer _hiddenGradient;
    private readonly NativeBuffer _cellGradient;

    /// <summary>Makes room.</summary>
    /// <param name="weights">The packed parameters, shared by all groups.</param>
    /// <param name="rows">Sequences in step, with the padding.</param>
    /// <param name="segment">Steps of a segment.</param>
    public RecurrentLayer(LayerWeights<T> weights, int rows, int segment)
    {
        _weights = weights;
        _shape = weights.Shape;
        _rows = rows;
        HiddenStride = Rows.Padded<T>(_shape.Units);
        _blockStride = BlockStride(_shape);
        _firstHidden = _shape.Kind.FirstHiddenBlock() * _shape.Units;
        var hidden = (long)rows * HiddenStride;
        _blocks = new NativeBuffer((long)segment * rows * _blockStride);
        _hidden = new NativeBuffer((segment + 1L) * hidden);
        _cells = new NativeBuffer(HasCell ? (segment + 1L) * hidden : 0);
        _hiddenGradient = new NativeBuffer(hidden);
        _cellGradient = new NativeBuffer(HasCell ? hidden : 0);
    }

    /// <summary>Whether the layer sees its own hidden state.</summary>
    public bool IsRecurrent => _shape.Kind.IsRecurrent();

    /// <summary>Whether there is a cell beside the hidden state.</summary>
    public bool HasCell => _shape.Kind.HasCell();

    /// <summary>Distance between two rows of hidden states, of cells, and of their gradients.</summary>
    public int HiddenStride { get; }

    /// <summary>Floats of the state that a segment starts from, for all rows.</summary>
    public long BoundarySize => (long)_rows * HiddenStride * (HasCell ? 2 : 1);

    /// <summary>Bytes held.</summary>
    public long Bytes =>
        _blocks.Bytes + _hidden.Bytes + _cells.Bytes + _hiddenGradient.Bytes + _cellGradient.Bytes;

    /// <summary>Gradient of the hidden state at the step that the backward pass has come to, <c>[rows, units]</c>.</summary>
    public float* HiddenGradient => _hiddenGradient.Pointer;

    /// <summary>Floats that one step of one row keeps.</summary>
    public static long FloatsPerStep(LayerShape shape) =>
        BlockStride(shape) + (Rows.Padded<T>(shape.Units) * (shape.Kind.HasCell() ? 2L : 1L));

    /// <summary>Hidden states before step t, <c>[rows, units]</c>; those after the last step at t = steps.</summary>
    public float* Hidden(int t, int row = 0) => _hidden.Pointer + ((((long)t * _rows) + row) * HiddenStride);

    /// <summary>An LSTM's cells before step t, <c>[rows, units]</c>.</summary>
    public float* Cell(int t, int row = 0) =>
        HasCell ? _cells.Pointer + ((((long)t * _rows) + row) * HiddenStride) : null;

    /// <summary>Gradient of the cell at the step that the backward pass has come to, <c>[rows, units]</c>; null without.</summary>
    public float* CellGradient(int row = 0) => HasCell ? _cellGradient.Pointer + ((long)row * HiddenStride) : null;

    /// <summary>Prepares the sums of a segment: each begins with its bias.</summary>
    public void Begin(int steps)
    {
        for (var i = 0L; i < (long)steps * _rows; i++)
        {
            Floats.Copy(_weights.Bias.Pointer, _blocks.Pointer + (i * _blockStride), _shape.BlockValues);
        }
    }

    /// <summary>Adds the products with the input of some steps.</summary>
    /// <param name="t">The first step.</param>
    /// <param name="steps">How many.</param>
    /// <param name="input">Their inputs, <c>[steps, rows, inputs]</c>.</param>
    /// <param name="stride">Distance between two rows of it.</param>
    public void AddInput(int t, int steps, float* input, int stride) =>
        MatrixProduct<T>.Multiply(steps * _rows, input, stride, _weights.Input, Blocks(t, 0), _blockStride, accumulate: true);

    /// <summary>Adds the products with what was read one step ago, <c>[rows, reads]</c>.</summary>
    public void AddReads(int t, float* reads, int stride) =>
        MatrixProduct<T>.Multiply(_rows, reads, stride, _weights.Reads, Blocks(t, 0), _blockStride, accumulate: true);

    /// <summary>Adds the products with the hidden state, and gives the next.</summary>
    public void Forward(int t)
    {
        if (IsRecurrent)
        {
            MatrixProduct<T>.Multiply(
                _rows, Hidden(t), HiddenStride, _weights.Hidden, Blocks(t, 0) + _firstHidden, _blockStride, accumulate: true);
        }

        for (var row = 0; row < _rows; row++)
        {
            RecurrentCell<T>.Forward(
                _shape.Kind, _shape.Units, Blocks(t, row), State(t, row), Cell(t + 1, row), Hidden(t + 1, row));
        }
    }

    /// <summary>
    /// Goes backward through one step: <see cref="HiddenGradient"/> goes in for the state after it and comes out for the one
    /// before it; the blocks become their gradients.
    /// </summary>
    public void Backward(int t)
    {
        for (var row = 0; row < _rows; row++)
        {
            RecurrentCell<T>.Backward(
                _shape.Kind,
                _shape.Units,
                Blocks(t, row),
                State(t, row),
                HasCell ? Cell(t + 1, row) : Hidden(t + 1, row),
                HiddenGradient + ((long)row * HiddenStride),
                CellGradient(row));
        }

        if (IsRecurrent)
        {
            MatrixProduct<T>.Multiply(
                _rows, Blocks(t, 0) + _firstHidden, _blockStride, _weights.HiddenBack, HiddenGradient, HiddenStride, accumulate: true);
        }
    }

    /// <summary>Gradients of the input of some steps, once <see cref="Backward"/> has passed them.</summary>
    /// <param name="t">The first step.</param>
    /// <param name="steps">How many.</param>
    /// <param name="gradients">Get them, <c>[steps, rows, inputs]</c>, padded to whole rows of lanes.</param>
    /// <param name="stride">Distance between two rows of it.</param>
    /// <param name="accumulate">Whether they are added.</param>
    public void InputBackward(int t, int steps, float* gradients, int stride, bool accumulate) =>
        MatrixProduct<T>.Multiply(steps * _rows, Blocks(t, 0), _blockStride, _weights.InputBack, gradients, stride, accumulate);

    /// <summary>Gives the gradients of what was read one step ago, <c>[rows, reads]</c>.</summary>
    public void ReadsBackward(int t, float* gradients, int stride) =>
        MatrixProduct<T>.Multiply(_rows, Blocks(t, 0), _blockStride, _weights.ReadsBack, gradients, stride, accumulate: false);

    /// <summary>Adds the gradients of the parameters, once <see cref="Backward"/> has passed the whole segment.</summary>
    /// <param name="steps">Steps of the segment.</param>
    /// <param name="input">The inputs, <c>[steps, rows, inputs]</c>.</param>
    /// <param name="inputStride">Distance between two rows of it.</param>
    /// <param name="reads">What was read before each step, <c>[steps, rows, reads]</c>; null without.</param>
    /// <param name="readsStride">Distance between two rows of it.</param>
    /// <param name="gradients">Get them added.</param>
    public void AddGradients(
        int steps, float* input, int inputStride, float* reads, int readsStride, LayerGradients<T> gradients)
    {
        var rows = steps * _rows;
        var blocks = _blocks.Pointer;
        gradients.Input.AddOuterProducts(rows, blocks, _blockStride, input, inputStride);
        gradients.Bias.AddRows(rows, blocks, _blockStride);
        if (_shape.Reads > 0)
        {
            gradients.Reads.AddOuterProducts(rows, blocks, _blockStride, reads, readsStride);
        }

        if (IsRecurrent)
        {
            gradients.Hidden.AddOuterProducts(rows, blocks + _firstHidden, _blockStride, Hidden(0), HiddenStride);
        }
    }

    /// <summary>Forgets the gradients of the state: nothing comes back from beyond the end.</summary>
    public void ClearGradients()
    {
        _hiddenGradient.Clear();
        _cellGradient.Clear();
    }

    /// <summary>Clears the start, so that rows without a sequence, and the padding, hold zeros.</summary>
    public void ClearStart()
    {
        Floats.Clear(Hidden(0), (long)_rows * HiddenStride);
        if (HasCell)
        {
            Floats.Clear(Cell(0), (long)_rows * HiddenStride);
        }
    }

    /// <summary>Copies the state at a step out to a boundary, or a boundary in.</summary>
    /// <returns>Where the boundary goes on.</returns>
    public float* Exchange(int step, float* boundary, bool save)
    {
        boundary = Boundary.Exchange(Hidden(step), boundary, (long)_rows * HiddenStride, save);
        return HasCell ? Boundary.Exchange(Cell(step), boundary, (long)_rows * HiddenStride, save) : boundary;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in new[] { _blocks, _hidden, _cells, _hiddenGradient, _cellGradient })
        {
            buffer.Dispose();
        }
    }

    /// <summary>The products with the hidden state end on whole rows of lanes counted from the block that they start at.</summary>
    private static int BlockStride(LayerShape shape)
    {
        var first = shape.Kind.FirstHiddenBlock() * shape.Units;
        return Rows.Padded<T>(Math.Max(shape.BlockValues, first + Rows.Padded<T>(shape.GateRows)));
    }

    private float* State(int t, int row) => HasCell ? Cell(t, row) : Hidden(t, row);

    private float* Blocks(int t, int row) => _blocks.Pointer + ((((long)t * _rows) + row) * _blockStride);
}

/// <summary>Copies parts of a state between a segment and the boundary that is kept of it.</summary>
internal static unsafe class Boundary
{
    /// <summary>Copies one part, out or in.</summary>
    /// <param name="own">The part in the segment.</param>
    /// <param name="boundary">Its place in the boundary.</param>
    /// <param name="count">Its floats.</param>
    /// <param name="save">Out to the boundary, or in from it.</param>
    /// <returns>The place of the next part.</returns>
    public static float* Exchange(float* own, float* boundary, long count, bool save)
    {
        if (save)
        {
            Floats.Copy(own, boundary, count);
        }
        else
        {
            Floats.Copy(boundary, own, count);
        }

        return boundary + count;
    }
}
