using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// A causal convolution over a few steps, each channel on its own and without bias (as in DeltaNet, Yang et al. 2024):
/// <c>y_t = sum_j w_j x_{t - j}</c>, j from 0 to taps - 1, with zeros before the first step.
/// </summary>
public sealed class ShortConvolution : nn.Module
{
    private readonly int _channels;
    private readonly int _taps;

    /// <summary>Makes the convolution: weights uniform within <c>1 / sqrt(taps)</c>, as libtorch starts its convolutions.</summary>
    /// <param name="channels">Width of x and y.</param>
    /// <param name="taps">Steps that an output depends on.</param>
    /// <param name="random">The stream that the weights are drawn from.</param>
    public ShortConvolution(int channels, int taps, RandomStream random)
        : base(nameof(ShortConvolution))
    {
        _channels = channels;
        _taps = taps;
        register_parameter("weight", Initialisation.Uniform(random, 1 / Math.Sqrt(taps), taps, channels));
    }

    /// <summary>Values carried from step to step for one sequence.</summary>
    public long StateSize => (_taps - 1L) * _channels;

    /// <summary>Width of x and y.</summary>
    public long Channels => _channels;

    /// <summary>Multiply-adds of one step for one sequence.</summary>
    public long MultiplyAddsPerStep => Weight.numel();

    private Tensor Weight => get_parameter("weight")!;

    /// <summary>The inputs before the first step: zeros, <c>[batch, taps - 1, channels]</c>.</summary>
    /// <param name="batch">The number of sequences.</param>
    public Tensor Start(long batch) => zeros([batch, _taps - 1, _channels], dtype: Weight.dtype, device: Weight.device);

    /// <summary>One or more steps.</summary>
    /// <param name="input">x, <c>[batch, time, channels]</c>.</param>
    /// <param name="recent">The last inputs before them, oldest first, <c>[batch, taps - 1, channels]</c>.</param>
    /// <returns>y, <c>[batch, time, channels]</c>, and the last inputs now.</returns>
    public (Tensor Output, Tensor Recent) Run(Tensor input, Tensor recent)
    {
        var time = input.shape[1];
        var known = cat([recent, input], 1);
        var weights = Weight.unbind(0);
        var output = input * weights[0];
        for (var j = 1; j < _taps; j++)
        {
            output = output + (known.narrow(1, _taps - 1 - j, time) * weights[j]);
        }

        return (output, known.narrow(1, time, _taps - 1));
    }
}
