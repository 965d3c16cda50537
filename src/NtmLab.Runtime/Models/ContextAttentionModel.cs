using NtmLab.Configuration;
using NtmLab.Models.Blocks;
using NtmLab.Probes;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// One look at all encoded inputs of the past: the first step of "The fall of RNN / LSTM" (Culurciello 2018), with the context
/// vector of Bahdanau et al. 2014 (section 3.1). Nothing is carried from step to step but the encodings, and any of them is one
/// hop away:
/// <code>
/// e(t)    = tanh(W_encoder x(t) + b)                     [batch, time, width]
/// q(t), k(i) = W_query e(t), W_key e(i)                  [batch, time, width] each
/// a(t, i) = softmax_i(score(q(t), k(i)) + bias(t - i))   over t and the context - 1 steps before it
/// C(t)    = sum_i a(t, i) e(i)                           [batch, time, width]
/// h(t)    = gelu(W_hidden [e(t); C(t)] + b)              [batch, time, hidden]
/// logits  = W_output h(t) + b                            [batch, time, out]
/// </code>
/// The bias is there with learned positions only; rotary positions turn q and k. A trace gets nothing: no step is written to or
/// read from a memory.
/// </summary>
public sealed class ContextAttentionModel : SequenceModel
{
    private static readonly Scalar MinusInfinity = double.NegativeInfinity.ToScalar();

    private readonly ContextAttentionOptions _options;
    private readonly Projection _encoder;
    private readonly Projection _query;
    private readonly Projection _key;
    private readonly AdditiveScore? _additive;
    private readonly DistanceBias? _bias;
    private readonly Projection _hidden;
    private readonly Projection _output;

    /// <summary>Makes the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public ContextAttentionModel(int inputWidth, int outputWidth, ContextAttentionOptions options, RandomStream random)
        : base("context-attention", inputWidth, outputWidth)
    {
        options.Validate();
        _options = options;
        _encoder = new Projection(inputWidth, options.Width, random);
        _query = new Projection(options.Width, options.Width, random, bias: false);
        _key = new Projection(options.Width, options.Width, random, bias: false);
        register_module("encoder", _encoder);
        register_module("query", _query);
        register_module("key", _key);
        if (options.Score == AttentionScore.Additive)
        {
            _additive = new AdditiveScore(options.Width, random);
            register_module("score", _additive);
        }

        if (options.Positions == Positions.Learned)
        {
            _bias = new DistanceBias(options.Context);
            register_module("positions", _bias);
        }

        _hidden = new Projection(2 * options.Width, options.Hidden, random);
        _output = new Projection(options.Hidden, outputWidth, random);
        register_module("hidden", _hidden);
        register_module("output", _output);
    }

    /// <inheritdoc/>
    public override bool ComputesAtOnce => true;

    /// <inheritdoc/>
    public override long StateSize => AttentionState.Size(layers: 1, _options.Context, _options.Width);

    /// <summary>
    /// Multiply-adds of one forward step for one sequence: all projections, and the scores and the weighted sum of a full
    /// context.
    /// </summary>
    public override long MultiplyAddsPerStep =>
        _encoder.MultiplyAdds
        + _query.MultiplyAdds
        + _key.MultiplyAdds
        + (2L * _options.Context * _options.Width)
        + _hidden.MultiplyAdds
        + _output.MultiplyAdds;

    /// <summary>
    /// The projections of every step, and the scores and weighted sum of the steps that each sees: fewer than a full context at first.
    /// What is computed of steps that are hidden is not counted.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override long MultiplyAdds(long steps)
    {
        var unseen = checked((steps * _options.Context) - AttentionWindow.Seen(_options.Context, steps));
        return checked(base.MultiplyAdds(steps) - (2L * _options.Width * unseen));
    }

    /// <summary>Of the state the keys and encodings of the earlier steps that a step sees, its own, and its position.</summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override Traffic StepTraffic(long steps) => base.StepTraffic(steps) with
    {
        State = AttentionState.Moved(layers: 1, _options.Context, _options.Width, steps),
    };

    /// <summary>
    /// Encoder, hidden layer and output, and the attention where the signal comes from an earlier step; no path,
    /// <see cref="SequenceModel.NoPath"/>, from farther back than the context - 1 steps that it sees.
    /// </summary>
    public override long PathLength(long lag) => lag >= _options.Context ? NoPath : lag == 0 ? 3 : 4;

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => AttentionState.Start(
        batch, layers: 1, heads: 1, _options.Context, _options.Width, _encoder.Weight);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var window = new AttentionWindow(_options.Context, input.shape[1], input.device);
        var (encoding, query, key) = Encode(input, window);
        return Answer(encoding, window.Attend(query, key, encoding, Read));
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var last = (AttentionState)state;
        var window = new AttentionWindow(_options.Context, input.shape[1], last.Position);
        var (encoding, query, key) = Encode(input, window);
        var (context, cache) = window.Attend(query, key, encoding, last.Caches[0], Read);
        return (Answer(encoding, context), new AttentionState([cache], window.Position));
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        var (logits, next) = Run(input.unsqueeze(1), state, trace);
        return (logits.squeeze(1), next);
    }

    /// <summary>e, q and k, <c>[batch, 1, time, width]</c> each: one head.</summary>
    private (Tensor Encoding, Tensor Query, Tensor Key) Encode(Tensor input, AttentionWindow window)
    {
        var encoding = _encoder.forward(input).tanh().unsqueeze(1);
        var (query, key) = (_query.forward(encoding), _key.forward(encoding));
        if (_options.Positions != Positions.Rotary)
        {
            return (encoding, query, key);
        }

        var rotation = new Rotation(window.Steps, _options.Width, query.dtype);
        return (encoding, rotation.Apply(query), rotation.Apply(key));
    }

    private Tensor Answer(Tensor encoding, Tensor context)
    {
        var both = cat([encoding, context], -1).squeeze(1);
        return _output.forward(nn.functional.gelu(_hidden.forward(both)));
    }

    /// <inheritdoc cref="AttentionRead"/>
    private Tensor Read(Tensor query, Tensor key, Tensor value, Tensor? visible)
    {
        if (_additive is null && _bias is null)
        {
            return AttentionBlock.DotProductRead(query, key, value, visible);
        }

        var (queries, keys) = (query.shape[2], key.shape[2]);
        visible ??= AttentionWindow.Visible(queries, keys, keys, query.device);
        var bias = _bias?.Of(queries, keys);
        if (_additive is null)
        {
            return nn.functional.scaled_dot_product_attention(query, key, value, Hide(bias!, visible));
        }

        var scores = _additive.Scores(query, key);
        return matmul(nn.functional.softmax(Hide(bias is null ? scores : scores + bias, visible), -1), value);
    }

    private static Tensor Hide(Tensor scores, Tensor visible) => scores.masked_fill(visible.logical_not(), MinusInfinity);
}

/// <summary>Configuration of a <see cref="ContextAttentionModel"/>.</summary>
[CatalogName("context-attention", "One attention vector over all encoded past inputs, and a small network (Culurciello 2018).")]
public sealed record ContextAttentionOptions : ModelOptions
{
    /// <summary>Width of encodings, queries and keys; even for rotary positions.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Hidden width of the network from encoding and context vector to the logits.</summary>
    public int Hidden { get; init; } = 128;

    /// <summary>How well a key fits a query.</summary>
    public AttentionScore Score { get; init; } = AttentionScore.Dot;

    /// <summary>
    /// How the model knows the order of the steps; rotary: with dot scores only, which are products; learned: a number for each
    /// distance, added to the scores, so that sequences may be of any length.
    /// </summary>
    public Positions Positions { get; init; } = Positions.Rotary;

    /// <summary>How many steps a step sees, itself among them.</summary>
    public int Context { get; init; } = 512;

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random) =>
        new ContextAttentionModel(inputWidth, outputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("model.width", Width, 1);
        Require.AtLeast("model.hidden", Hidden, 1);
        Require.AtLeast("model.context", Context, 1);
        if (Positions != Positions.Rotary)
        {
            return;
        }

        if (Score == AttentionScore.Additive)
        {
            throw new ConfigurationException(
                "model.positions: rotary is not allowed with model.score additive; learned or none is.");
        }

        if (Width % 2 != 0)
        {
            throw new ConfigurationException(
                $"model.width: {Width} is not allowed with rotary model.positions; an even width is.");
        }
    }
}
