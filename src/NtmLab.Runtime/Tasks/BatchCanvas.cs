using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>A batch while it is being drawn: zeros, with nothing wanted, until a task fills in its steps.</summary>
/// <example><code>
/// var canvas = NewCanvas(batch, time: 2, targetWidth: 1);
/// canvas.Input(sequence, 0)[0] = 1;      // seen in the first step
/// canvas.Want(sequence, 1)[0] = 1;       // wanted in the second
/// return canvas.ToBatch(length);
/// </code></example>
public sealed class BatchCanvas
{
    private readonly int _time;
    private readonly int _inputWidth;
    private readonly int _targetWidth;
    private readonly Tensor _input;
    private readonly Tensor _target;
    private readonly Tensor _mask;

    internal BatchCanvas(string owner, int batch, long time, int inputWidth, int targetWidth)
    {
        Require.AtLeast($"{owner}: batch", batch, 1);
        var values = Int128.Min(long.MaxValue, (Int128)batch * time * Math.Max(inputWidth, targetWidth));
        Require.Between($"{owner}: values in a batch", (long)values, 1, Array.MaxLength);
        _time = (int)time;
        _inputWidth = inputWidth;
        _targetWidth = targetWidth;
        _input = zeros(batch, time, inputWidth);
        _target = zeros(batch, time, targetWidth);
        _mask = zeros(batch, time);
    }

    /// <summary>The input of one step, <c>[feature]</c>.</summary>
    public Span<float> Input(int sequence, int step) => Inputs(sequence).Slice(step * _inputWidth, _inputWidth);

    /// <summary>The input of a whole sequence, <c>[time, feature]</c>.</summary>
    public Span<float> Inputs(int sequence) =>
        TensorMemory.Values(_input).Slice(sequence * _time * _inputWidth, _time * _inputWidth);

    /// <summary>The target of one step, <c>[out]</c>, which counts from now on; for a token its number.</summary>
    public Span<float> Want(int sequence, int step) => Want(sequence, step, 1);

    /// <summary>The targets of several steps in a row, <c>[steps, out]</c>, which count from now on.</summary>
    public Span<float> Want(int sequence, int first, int steps)
    {
        var place = (sequence * _time) + first;
        TensorMemory.Values(_mask).Slice(place, steps).Fill(1);
        return TensorMemory.Values(_target).Slice(place * _targetWidth, steps * _targetWidth);
    }

    /// <summary>The batch, with vectors as targets.</summary>
    /// <param name="length">The task's own measure of length.</param>
    public SequenceBatch ToBatch(int length) => new(length, _input, _target, _mask);

    /// <summary>The batch, with tokens as targets.</summary>
    /// <param name="length">The task's own measure of length.</param>
    public SequenceBatch ToTokenBatch(int length)
    {
        using var numbers = _target;
        return new(length, _input, numbers.squeeze(-1).to(ScalarType.Int64), _mask);
    }
}
