using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// A dilated causal convolution over time (van den Oord et al. 2016), with weight normalisation (Salimans and Kingma
/// 2016) if wanted, drawn from an explicit stream:
/// <code>
/// y(t) = b + sum over i of W_i x(t - (kernel - 1 - i) dilation), i = 0 .. kernel - 1    [outputs]
/// W    = g v / |v|, the norm over all weights of one output                             [outputs, inputs, kernel]
/// </code>
/// Before the first step, x is 0.
/// </summary>
public sealed class CausalConvolution : nn.Module
{
    private readonly int _inputs;
    private readonly int _kernel;
    private readonly int _dilation;
    private readonly bool _weightNorm;

    /// <summary>
    /// Makes the convolution: weights uniform in <c>[-a, a]</c> with <c>a = sqrt(6 / (inputs kernel))</c>, which
    /// keeps the size of signals through rectifiers (He et al. 2015), and zero bias; g starts at |v|, so that W starts
    /// the same with and without normalisation.
    /// </summary>
    /// <param name="inputs">Width of x.</param>
    /// <param name="outputs">Width of y.</param>
    /// <param name="kernel">The number of steps that one output sees.</param>
    /// <param name="dilation">The distance between them, in steps.</param>
    /// <param name="weightNorm">Whether W is trained as g and v; as it is otherwise.</param>
    /// <param name="random">The stream that the weights are drawn from.</param>
    public CausalConvolution(int inputs, int outputs, int kernel, int dilation, bool weightNorm, RandomStream random)
        : base(nameof(CausalConvolution))
    {
        _inputs = inputs;
        _kernel = kernel;
        _dilation = dilation;
        _weightNorm = weightNorm;
        var range = Math.Sqrt(6.0 / ((double)inputs * kernel));
        var weight = Initialisation.Uniform(random, range, outputs, inputs, kernel);
        register_parameter(weightNorm ? "weight_v" : "weight", weight);
        if (weightNorm)
        {
            using var constant = no_grad();
            register_parameter("weight_g", new Parameter(Norm(weight)));
        }

        register_parameter("bias", Initialisation.Constant(0, outputs));
    }

    /// <summary>Steps before the present one that an output sees.</summary>
    public long Reach => (long)(_kernel - 1) * _dilation;

    /// <summary>Values carried from step to step for one sequence.</summary>
    public long StateSize => Reach * _inputs;

    /// <summary>Values of the past that a step reads and writes for one sequence: what the kernel sees of it, and the new input.</summary>
    public long StateMovedPerStep => (long)_kernel * _inputs;

    /// <summary>Width of y.</summary>
    public long Outputs => get_parameter("bias")!.numel();

    /// <summary>Multiply-adds of one step for one sequence.</summary>
    public long MultiplyAddsPerStep => get_parameter(_weightNorm ? "weight_v" : "weight")!.numel();

    /// <summary>The past before the first step, <c>[batch, Reach, inputs]</c>.</summary>
    /// <param name="batch">The number of sequences.</param>
    public Tensor Start(long batch)
    {
        var bias = get_parameter("bias")!;
        return zeros([batch, Reach, _inputs], dtype: bias.dtype, device: bias.device);
    }

    /// <summary>One or more steps.</summary>
    /// <param name="input">x, <c>[batch, time, inputs]</c>.</param>
    /// <param name="past">The steps before them, <c>[batch, Reach, inputs]</c>.</param>
    /// <returns>
    /// y, <c>[batch, time, outputs]</c>, and the past of the steps to come, a view of all that was seen.
    /// </returns>
    public (Tensor Output, Tensor Past) Run(Tensor input, Tensor past)
    {
        var time = input.shape[1];
        var bias = get_parameter("bias");
        if (time == 1)
        {
            // One output a sequence: a product with the steps it sees, so that those between cost no more than their copy.
            var steps = cat([past, input], 1);
            var seen = steps.slice(1, 0, Reach + 1, _dilation).transpose(1, 2).flatten(1);
            return (nn.functional.linear(seen, Weight().flatten(1), bias).unsqueeze(1), steps.narrow(1, 1, Reach));
        }

        // libtorch convolves [batch, feature, time]; laying the past before the steps is a copy anyway.
        var padded = cat([past.transpose(1, 2), input.transpose(1, 2)], 2);
        var output = nn.functional.conv1d(padded, Weight(), bias, dilation: _dilation);
        return (output.transpose(1, 2), padded.narrow(2, time, Reach).transpose(1, 2));
    }

    private Tensor Weight() =>
        _weightNorm ? Normalised(get_parameter("weight_v")!, get_parameter("weight_g")!) : get_parameter("weight")!;

    private static Tensor Normalised(Tensor v, Tensor g) => v * (g / Norm(v));

    private static Tensor Norm(Tensor weight) => linalg.vector_norm(weight, 2, [1, 2], keepdim: true);
}
