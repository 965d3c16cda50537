using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// A pre-norm layer of fast weights as in DeltaNet (Yang, Wang, Zhang, Shen, Kim 2024), here with layer normalisation, over
/// all heads together. For every step of <c>x [batch, time, width]</c>:
/// <code>
/// n       = norm(x)                                                 [width]
/// q, k, v = silu(convolution(W_q n, W_k n, W_v n))                  [width] each, then cut into heads
/// q, k    = q / |q|, k / |k|                                        [head, width / heads]
/// beta    = sigmoid(W_beta n)                                       [head]
/// o       = what FastWeights reads for q after writing k and v      [head, width / heads]
/// y       = x + W_o norm(o)                                         [width]
/// </code>
/// </summary>
public sealed class FastWeightBlock : nn.Module
{
    /// <summary>Added to the square of a length before the division: a silent input has keys and queries of zero.</summary>
    private static readonly Scalar NormEpsilon = 1e-6.ToScalar();

    private readonly int _width;
    private readonly int _heads;
    private readonly FastWeightRule _rule;
    private readonly LayerNormalisation _norm;
    private readonly Projection _query;
    private readonly Projection _key;
    private readonly Projection _value;
    private readonly Projection _beta;
    private readonly ShortConvolution? _convolution;
    private readonly LayerNormalisation _outputNorm;
    private readonly Projection _output;

    /// <summary>Makes the layer.</summary>
    /// <param name="width">Width of x and y; a multiple of the number of heads.</param>
    /// <param name="heads">Matrices of fast weights, each <c>[width / heads, width / heads]</c>.</param>
    /// <param name="taps">Steps that the convolution sees; with 0 or 1 there is none.</param>
    /// <param name="rule">How the matrices are written.</param>
    /// <param name="random">The stream that the weights are drawn from.</param>
    public FastWeightBlock(int width, int heads, int taps, FastWeightRule rule, RandomStream random)
        : base(nameof(FastWeightBlock))
    {
        _width = width;
        _heads = heads;
        _rule = rule;
        _norm = new LayerNormalisation(width);
        _query = new Projection(width, width, random, bias: false);
        _key = new Projection(width, width, random, bias: false);
        _value = new Projection(width, width, random, bias: false);
        _beta = new Projection(width, heads, random, bias: false);
        _convolution = taps > 1 ? new ShortConvolution(3 * width, taps, random) : null;
        _outputNorm = new LayerNormalisation(width);
        _output = new Projection(width, width, random, bias: false);
        register_module("norm", _norm);
        register_module("query", _query);
        register_module("key", _key);
        register_module("value", _value);
        register_module("beta", _beta);
        if (_convolution is not null)
        {
            register_module("convolution", _convolution);
        }

        register_module("output_norm", _outputNorm);
        register_module("output", _output);
    }

    /// <summary>Values carried from step to step for one sequence.</summary>
    public long StateSize => ((long)_width * HeadWidth) + (_convolution?.StateSize ?? 0);

    /// <summary>
    /// Multiply-adds of one step for one sequence: projections, convolution, and a pass over the matrices each to write, to
    /// read and, with the delta rule, to see what a key has already.
    /// </summary>
    public long MultiplyAddsPerStep =>
        _query.MultiplyAdds + _key.MultiplyAdds + _value.MultiplyAdds + _beta.MultiplyAdds + _output.MultiplyAdds
        + (_convolution?.MultiplyAddsPerStep ?? 0)
        + ((_rule == FastWeightRule.Delta ? 3L : 2L) * _width * HeadWidth);

    private int HeadWidth => _width / _heads;

    /// <summary>The state before the first step: zeros.</summary>
    /// <param name="batch">The number of sequences.</param>
    public FastWeightState Start(long batch)
    {
        var like = _query.Weight;
        return new FastWeightState(
            zeros([batch, _heads, HeadWidth, HeadWidth], dtype: like.dtype, device: like.device),
            _convolution?.Start(batch));
    }

    /// <summary>One or more steps.</summary>
    /// <param name="input">x, <c>[batch, time, width]</c>.</param>
    /// <param name="state">The state before them.</param>
    /// <returns>y, <c>[batch, time, width]</c>, and the state after them.</returns>
    public (Tensor Output, FastWeightState State) Run(Tensor input, FastWeightState state)
    {
        var normed = _norm.forward(input);
        var projected = cat([_query.forward(normed), _key.forward(normed), _value.forward(normed)], -1);
        var recent = state.Recent;
        if (_convolution is not null)
        {
            (projected, recent) = _convolution.Run(projected, recent!);
        }

        var parts = projected.silu().chunk(3, -1);
        var (read, weights) = FastWeights.Run(
            _rule,
            UnitLength(Heads(parts[0])),
            UnitLength(Heads(parts[1])),
            Heads(parts[2]),
            Heads(_beta.forward(normed).sigmoid()),
            state.Weights);
        var output = input + _output.forward(_outputNorm.forward(read.transpose(1, 2).flatten(2)));
        return (output, new FastWeightState(weights, recent));
    }

    /// <summary>From <c>[batch, time, values of all heads]</c> to <c>[batch, head, time, values]</c>.</summary>
    private Tensor Heads(Tensor joined) => joined.unflatten(2, _heads, joined.shape[2] / _heads).transpose(1, 2);

    private static Tensor UnitLength(Tensor vectors) =>
        vectors * (vectors.square().sum(-1, keepdim: true) + NormEpsilon).rsqrt();
}

/// <summary>What a <see cref="FastWeightBlock"/> carries from step to step.</summary>
/// <param name="Weights">The matrices S, <c>[batch, head, width / heads, width / heads]</c>.</param>
/// <param name="Recent">The last inputs of the convolution, <c>[batch, taps - 1, 3 width]</c>; null without one.</param>
public sealed record FastWeightState(Tensor Weights, Tensor? Recent)
{
    /// <summary>All tensors of the state.</summary>
    public IEnumerable<Tensor> Tensors => Recent is null ? [Weights] : [Weights, Recent];
}
