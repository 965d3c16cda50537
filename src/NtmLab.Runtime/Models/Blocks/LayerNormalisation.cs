using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Layer normalisation over the last dimension (Ba, Kiros, Hinton 2016): zero mean and unit variance, then a trained scale,
/// at first 1, and shift, at first 0.
/// </summary>
public sealed class LayerNormalisation : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-5;

    private readonly int _width;

    /// <summary>Makes the layer.</summary>
    /// <param name="width">Width of the last dimension.</param>
    public LayerNormalisation(int width)
        : base(nameof(LayerNormalisation))
    {
        _width = width;
        register_parameter("scale", Initialisation.Constant(1, width));
        register_parameter("shift", Initialisation.Constant(0, width));
    }

    /// <summary>From and to <c>[..., width]</c>.</summary>
    public override Tensor forward(Tensor input) => nn.functional.layer_norm(
        input, [_width], get_parameter("scale"), get_parameter("shift"), Epsilon);
}
