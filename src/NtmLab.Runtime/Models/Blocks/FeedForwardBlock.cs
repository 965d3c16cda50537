using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// The position-wise network of a pre-norm encoder layer (Vaswani et al. 2017; pre-norm: Xiong et al. 2020; GELU: Hendrycks and
/// Gimpel 2016): <c>y = x + W2 gelu(W1 norm(x) + b1) + b2</c>.
/// </summary>
public sealed class FeedForwardBlock : nn.Module<Tensor, Tensor>
{
    private readonly LayerNormalisation _norm;
    private readonly Projection _up;
    private readonly Projection _down;

    /// <summary>Makes the block.</summary>
    /// <param name="width">Width of x and y.</param>
    /// <param name="hidden">Width in between.</param>
    /// <param name="random">The stream that the weights are drawn from.</param>
    public FeedForwardBlock(int width, int hidden, RandomStream random)
        : base(nameof(FeedForwardBlock))
    {
        _norm = new LayerNormalisation(width);
        _up = new Projection(width, hidden, random);
        _down = new Projection(hidden, width, random);
        register_module("norm", _norm);
        register_module("up", _up);
        register_module("down", _down);
    }

    /// <summary>Multiply-adds for one vector.</summary>
    public long MultiplyAdds => _up.MultiplyAdds + _down.MultiplyAdds;

    /// <summary>From and to <c>[..., width]</c>.</summary>
    public override Tensor forward(Tensor input) =>
        input + _down.forward(nn.functional.gelu(_up.forward(_norm.forward(input))));
}
