using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// The residual block of a temporal convolutional network (Bai, Kolter, Koltun 2018, figure 1b), without dropout:
/// <code>
/// F(x) = relu(conv2(relu(conv1(x))))     two causal convolutions of the same dilation
/// y    = relu(R x + F(x))                R a trained 1x1 convolution where widths differ, else x as it is
/// </code>
/// </summary>
public sealed class TemporalBlock : nn.Module
{
    private readonly CausalConvolution _first;
    private readonly CausalConvolution _second;
    private readonly Projection? _residual;

    /// <summary>Makes the block with freshly drawn parameters.</summary>
    /// <param name="inputs">Width of x.</param>
    /// <param name="outputs">Width of y.</param>
    /// <param name="kernel">The number of steps that each convolution sees at once.</param>
    /// <param name="dilation">The distance between them, in steps.</param>
    /// <param name="weightNorm">Whether the convolutions' weights are normalised.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public TemporalBlock(int inputs, int outputs, int kernel, int dilation, bool weightNorm, RandomStream random)
        : base(nameof(TemporalBlock))
    {
        _first = new CausalConvolution(inputs, outputs, kernel, dilation, weightNorm, random);
        _second = new CausalConvolution(outputs, outputs, kernel, dilation, weightNorm, random);
        register_module("first", _first);
        register_module("second", _second);
        if (inputs != outputs)
        {
            _residual = new Projection(inputs, outputs, random);
            register_module("residual", _residual);
        }
    }

    /// <summary>Values carried from step to step for one sequence.</summary>
    public long StateSize => _first.StateSize + _second.StateSize;

    /// <summary>Values of the past that a step reads and writes for one sequence.</summary>
    public long StateMovedPerStep => _first.StateMovedPerStep + _second.StateMovedPerStep;

    /// <summary>Multiply-adds of one step for one sequence.</summary>
    public long MultiplyAddsPerStep =>
        _first.MultiplyAddsPerStep + _second.MultiplyAddsPerStep + (_residual?.MultiplyAdds ?? 0);

    /// <summary>The past before the first step.</summary>
    /// <param name="batch">The number of sequences.</param>
    public TemporalPast Start(long batch) => new(_first.Start(batch), _second.Start(batch));

    /// <summary>One or more steps.</summary>
    /// <param name="input">x, <c>[batch, time, inputs]</c>.</param>
    /// <param name="past">What came before them.</param>
    /// <returns>y, <c>[batch, time, outputs]</c>, and the past of the steps to come, views of all that was seen.</returns>
    public (Tensor Output, TemporalPast Past) Run(Tensor input, TemporalPast past)
    {
        var (hidden, first) = _first.Run(input, past.First);
        var (change, second) = _second.Run(hidden.relu(), past.Second);
        var kept = _residual?.forward(input) ?? input;
        return ((kept + change.relu()).relu(), new TemporalPast(first, second));
    }
}

/// <summary>The past steps that a <see cref="TemporalBlock"/> still sees.</summary>
/// <param name="First">Inputs of the first convolution, <c>[batch, (kernel - 1) dilation, inputs]</c>.</param>
/// <param name="Second">Inputs of the second, <c>[batch, (kernel - 1) dilation, outputs]</c>.</param>
public sealed record TemporalPast(Tensor First, Tensor Second);
