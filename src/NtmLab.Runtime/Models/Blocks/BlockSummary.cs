using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Makes one vector of the w children of a block: trained query heads attend over them (pooling by attention: Lee et al. 2019,
/// section 3.2), with pre-norm.
/// <code>
/// c_j = norm(child_j) + P_j                           j = 0 .. w - 1, P trained
/// a_i = sum_j softmax_j(u_i c_j) c_j                  i = 1 .. heads, u trained
/// s   = W [a_1; ...; a_heads] + b
/// y   = s + W2 gelu(W1 norm(s) + b1) + b2
/// </code>
/// The queries being constant, their products with a key projection are trained as u, and the value projections are part of W.
/// </summary>
public sealed class BlockSummary : nn.Module<Tensor, Tensor>
{
    private readonly int _window;
    private readonly int _width;
    private readonly int _heads;
    private readonly LayerNormalisation _norm;
    private readonly Projection _pool;
    private readonly FeedForwardBlock _feedForward;

    /// <summary>Makes the module.</summary>
    /// <param name="window">The number w of children in a block.</param>
    /// <param name="width">Width of a child and of the summary.</param>
    /// <param name="heads">The number of query heads.</param>
    /// <param name="hidden">Width of the hidden layer of the feed-forward block.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public BlockSummary(int window, int width, int heads, int hidden, RandomStream random)
        : base(nameof(BlockSummary))
    {
        _window = window;
        _width = width;
        _heads = heads;
        _norm = new LayerNormalisation(width);
        _pool = new Projection(heads * width, width, random);
        _feedForward = new FeedForwardBlock(width, hidden, random);
        register_module("norm", _norm);
        register_module("pool", _pool);
        register_module("feed_forward", _feedForward);
        register_parameter("queries", Initialisation.Xavier(random, heads, width));
        register_parameter("positions", Initialisation.Uniform(random, LevelReading.PositionRange, window, width));
    }

    /// <summary>Multiply-adds for each child: its score and its share of the weighted sum, for every head.</summary>
    public long MultiplyAddsPerChild => 2L * _heads * _width;

    /// <summary>Multiply-adds for each block beside those for its children.</summary>
    public long MultiplyAddsPerBlock => _pool.MultiplyAdds + _feedForward.MultiplyAdds;

    /// <summary>
    /// From the children of all blocks in order, <c>[batch, children, width]</c>, to the summaries of those blocks that are
    /// complete, <c>[batch, children / w rounded down, width]</c>.
    /// </summary>
    public override Tensor forward(Tensor input)
    {
        var (batch, blocks) = (input.shape[0], input.shape[1] / _window);
        var children = input.narrow(1, 0, blocks * _window).reshape(batch, blocks, _window, _width);
        var seen = _norm.forward(children) + get_parameter("positions")!;
        var scores = nn.functional.linear(seen, get_parameter("queries")!);
        var weighting = nn.functional.softmax(scores, dim: 2);
        var pooled = matmul(weighting.transpose(2, 3), seen);
        return _feedForward.forward(_pool.forward(pooled.reshape(batch, blocks, (long)_heads * _width)));
    }
}
