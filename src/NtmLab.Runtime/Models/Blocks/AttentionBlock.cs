using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Multi-head attention of a pre-norm encoder layer (Vaswani et al. 2017, section 3.2; pre-norm: Xiong et al. 2020). Each of the
/// heads, of width d = width / heads, weighs the steps i that step t sees:
/// <code>
/// q, k, v = W norm(x)                               [batch, heads, time, d] each, q and k rotated by their positions
/// a(t, i) = softmax_i(q(t) . k(i) / sqrt(d))
/// y(t)    = x(t) + W_output concat_heads(sum_i a(t, i) v(i)) + b
/// </code>
/// </summary>
public sealed class AttentionBlock : nn.Module
{
    private readonly int _heads;
    private readonly LayerNormalisation _norm;
    private readonly Projection _input;
    private readonly Projection _output;

    /// <summary>Makes the block.</summary>
    /// <param name="width">Width of x and y; a multiple of the number of heads.</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="random">The stream that the weights are drawn from.</param>
    public AttentionBlock(int width, int heads, RandomStream random)
        : base(nameof(AttentionBlock))
    {
        _heads = heads;
        _norm = new LayerNormalisation(width);

        // The gain makes the range that of three square maps. A bias of keys would change nothing: it adds the same to all
        // scores of a query.
        _input = new Projection(width, 3 * width, random, Math.Sqrt(2), bias: false);
        _output = new Projection(width, width, random);
        register_module("norm", _norm);
        register_module("query_key_value", _input);
        register_module("output", _output);
    }

    /// <summary>Multiply-adds for one step that sees a full context: projections, scores and the weighted sum.</summary>
    /// <param name="context">How many steps a step sees, itself among them.</param>
    public long MultiplyAdds(int context) =>
        _input.MultiplyAdds + _output.MultiplyAdds + (2L * context * _output.Weight.shape[1]);

    /// <summary>Sequences from their first step on.</summary>
    /// <param name="input">x, <c>[batch, time, width]</c>.</param>
    /// <param name="window">What each step sees.</param>
    /// <param name="rotation">Turns queries and keys, if given.</param>
    /// <returns>y, <c>[batch, time, width]</c>.</returns>
    public Tensor Forward(Tensor input, AttentionWindow window, Rotation? rotation)
    {
        var (query, key, value) = Project(input, rotation);
        return Add(input, window.Attend(query, key, value, DotProductRead));
    }

    /// <summary>The next steps of sequences that have had some.</summary>
    /// <param name="input">x, <c>[batch, time, width]</c>.</param>
    /// <param name="window">What each step sees.</param>
    /// <param name="rotation">Turns queries and keys, if given.</param>
    /// <param name="cache">The keys and values before.</param>
    /// <returns>y, <c>[batch, time, width]</c>, and the next cache.</returns>
    public (Tensor Output, AttentionCache Cache) Run(
        Tensor input, AttentionWindow window, Rotation? rotation, AttentionCache cache)
    {
        var (query, key, value) = Project(input, rotation);
        var (read, next) = window.Attend(query, key, value, cache, DotProductRead);
        return (Add(input, read), next);
    }

    /// <summary>
    /// Scaled dot-product attention, by libtorch's own kernel, which does not keep the scores where it need not.
    /// </summary>
    /// <inheritdoc cref="AttentionRead"/>
    public static Tensor DotProductRead(Tensor query, Tensor key, Tensor value, Tensor? visible) =>
        nn.functional.scaled_dot_product_attention(query, key, value, visible, is_casual: visible is null);

    private (Tensor Query, Tensor Key, Tensor Value) Project(Tensor input, Rotation? rotation)
    {
        var (batch, time) = (input.shape[0], input.shape[1]);
        var parts = _input.forward(_norm.forward(input)).view(batch, time, 3, _heads, -1).transpose(1, 3).unbind(2);
        return (rotation?.Apply(parts[0]) ?? parts[0], rotation?.Apply(parts[1]) ?? parts[1], parts[2]);
    }

    private Tensor Add(Tensor input, Tensor read) => input + _output.forward(read.transpose(1, 2).flatten(2));
}
