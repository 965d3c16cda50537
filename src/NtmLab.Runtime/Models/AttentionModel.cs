using NtmLab.Configuration;
using NtmLab.Models.Blocks;
using NtmLab.Probes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// A causal multi-head attention encoder (Vaswani et al. 2017; pre-norm: Xiong et al. 2020) whose steps see a window of the
/// last steps (Child et al. 2019, section 4.2):
/// <code>
/// x      = W_input input + b  (+ the position's learned vector)      [batch, time, width]
/// x      = FeedForwardBlock(AttentionBlock(x))                       layers times
/// logits = W_output norm(x) + b                                      [batch, time, out]
/// </code>
/// A step sees itself and the context - 1 steps before it in each layer; sequences no longer than the context are plain full
/// causal attention. A trace gets nothing: no step is written to or read from a memory.
/// </summary>
public sealed class AttentionModel : SequenceModel
{
    private readonly AttentionOptions _options;
    private readonly Projection _input;
    private readonly AttentionBlock[] _attention;
    private readonly FeedForwardBlock[] _feedForward;
    private readonly LayerNormalisation _norm;
    private readonly Projection _output;

    /// <summary>Makes the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public AttentionModel(int inputWidth, int outputWidth, AttentionOptions options, RandomStream random)
        : base("attention", inputWidth, outputWidth)
    {
        options.Validate();
        _options = options;
        _input = new Projection(inputWidth, options.Width, random);
        register_module("input", _input);
        if (options.Positions == Positions.Learned)
        {
            register_parameter("positions", Initialisation.Uniform(random, 0.05, options.Context, options.Width));
        }

        _attention = new AttentionBlock[options.Layers];
        _feedForward = new FeedForwardBlock[options.Layers];
        for (var layer = 0; layer < options.Layers; layer++)
        {
            _attention[layer] = new AttentionBlock(options.Width, options.Heads, random);
            _feedForward[layer] = new FeedForwardBlock(options.Width, options.HiddenWidth, random);
            register_module($"attention_{layer}", _attention[layer]);
            register_module($"feed_forward_{layer}", _feedForward[layer]);
        }

        _norm = new LayerNormalisation(options.Width);
        _output = new Projection(options.Width, outputWidth, random);
        register_module("norm", _norm);
        register_module("output", _output);
    }

    /// <inheritdoc/>
    public override bool ComputesAtOnce => true;

    /// <inheritdoc/>
    public override long StateSize => AttentionState.Size(_options.Layers, _options.Context, _options.Width);

    /// <summary>
    /// Multiply-adds of one forward step for one sequence: all projections, and in each layer the scores and the weighted sum
    /// of a full context.
    /// </summary>
    public override long MultiplyAddsPerStep =>
        _input.MultiplyAdds
        + _attention.Sum(block => block.MultiplyAdds(_options.Context))
        + _feedForward.Sum(block => block.MultiplyAdds)
        + _output.MultiplyAdds;

    /// <summary>
    /// The projections of every step, and the scores and weighted sums of the steps that each sees: fewer than a full context at first.
    /// What is computed of steps that are hidden is not counted.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override long MultiplyAdds(long steps)
    {
        var unseen = checked((steps * _options.Context) - AttentionWindow.Seen(_options.Context, steps));
        return checked(base.MultiplyAdds(steps) - (2L * _options.Layers * _options.Width * unseen));
    }

    /// <summary>
    /// Of the state the keys and values of the earlier steps that a step sees, its own, and its position; of learned positions only the
    /// step's own.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override Traffic StepTraffic(long steps)
    {
        var all = base.StepTraffic(steps);
        var unread = _options.Positions == Positions.Learned ? (_options.Context - 1L) * _options.Width : 0;
        return all with
        {
            Weights = all.Weights - (steps * unread),
            State = AttentionState.Moved(_options.Layers, _options.Context, _options.Width, steps),
        };
    }

    /// <summary>
    /// Input, output and the attention layers that move the signal in time; it passes all others on their residual paths. One
    /// attention layer reaches context - 1 steps back, all L of them L (context - 1); a longer lag has no path,
    /// <see cref="SequenceModel.NoPath"/>. With learned positions no sequence is longer than the context, and no lag either.
    /// </summary>
    public override long PathLength(long lag)
    {
        long reach = _options.Context - 1;
        var farthest = _options.Positions == Positions.Learned ? reach : reach * _options.Layers;
        return lag > farthest ? NoPath : lag == 0 ? 2 : 2 + ((lag + reach - 1) / reach);
    }

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => AttentionState.Start(
        batch, _options.Layers, _options.Heads, _options.Context, _options.HeadWidth, _input.Weight);

    /// <inheritdoc/>
    /// <exception cref="ShapeException">
    /// The input has another shape, or there are more steps than learned positions.
    /// </exception>
    public override Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var window = new AttentionWindow(_options.Context, input.shape[1], input.device);
        var x = Enter(input, window);
        var rotation = RotationOf(x, window);
        for (var layer = 0; layer < _attention.Length; layer++)
        {
            x = _feedForward[layer].forward(_attention[layer].Forward(x, window, rotation));
        }

        return Leave(x);
    }

    /// <inheritdoc/>
    /// <exception cref="ShapeException">
    /// The input has another shape, or there are more steps than learned positions.
    /// </exception>
    public override (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var last = (AttentionState)state;
        var window = new AttentionWindow(_options.Context, input.shape[1], last.Position);
        var x = Enter(input, window);
        var rotation = RotationOf(x, window);
        var caches = new AttentionCache[_attention.Length];
        for (var layer = 0; layer < _attention.Length; layer++)
        {
            (x, caches[layer]) = _attention[layer].Run(x, window, rotation, last.Caches[layer]);
            x = _feedForward[layer].forward(x);
        }

        return (Leave(x), new AttentionState(caches, window.Position));
    }

    /// <inheritdoc/>
    /// <exception cref="ShapeException">
    /// The input has another shape, or there are more steps than learned positions.
    /// </exception>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        var (logits, next) = Run(input.unsqueeze(1), state, trace);
        return (logits.squeeze(1), next);
    }

    private Tensor Enter(Tensor input, AttentionWindow window)
    {
        var x = _input.forward(input);
        if (_options.Positions != Positions.Learned)
        {
            return x;
        }

        var steps = window.Position.max().item<long>();
        if (steps > _options.Context)
        {
            throw new ShapeException(
                $"model '{GetName()}': {steps} steps are more than the {_options.Context} learned positions; "
                + "a larger model.context, or rotary or no model.positions, is wanted.");
        }

        var table = get_parameter("positions")!;
        var places = window.Steps;
        return x + table.index_select(0, places.flatten()).view(places.shape[0], places.shape[1], -1);
    }

    private Rotation? RotationOf(Tensor x, AttentionWindow window) =>
        _options.Positions == Positions.Rotary ? new Rotation(window.Steps, _options.HeadWidth, x.dtype) : null;

    private Tensor Leave(Tensor x) => _output.forward(_norm.forward(x));
}

/// <summary>Configuration of an <see cref="AttentionModel"/>.</summary>
[CatalogName("attention", "Causal multi-head attention encoder over a sliding window (Vaswani et al. 2017).")]
public sealed record AttentionOptions : ModelOptions
{
    /// <summary>Width of the model; a multiple of the number of heads.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Attention heads of each layer.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>The number of layers, each attention and feed-forward block.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Hidden width of the feed-forward blocks; 0: four times the width.</summary>
    public int Hidden { get; init; }

    /// <summary>How the model knows the order of the steps; learned: a vector for each step, added to the projected input.</summary>
    public Positions Positions { get; init; } = Positions.Rotary;

    /// <summary>
    /// How many steps a step sees in each layer, itself among them; with learned positions also the longest sequence.
    /// </summary>
    public int Context { get; init; } = 512;

    /// <summary>Hidden width of the feed-forward blocks, resolved.</summary>
    internal int HiddenWidth => Hidden == 0 ? 4 * Width : Hidden;

    /// <summary>Width of a head.</summary>
    internal int HeadWidth => Width / Heads;

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random) =>
        new AttentionModel(inputWidth, outputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("model.width", Width, 1);
        Require.AtLeast("model.heads", Heads, 1);
        Require.AtLeast("model.layers", Layers, 1);
        Require.AtLeast("model.hidden", Hidden, 0);
        Require.AtLeast("model.context", Context, 1);
        Require.Shareable("model.width", Width, Heads);

        if (Positions == Positions.Rotary && HeadWidth % 2 != 0)
        {
            throw new ConfigurationException(
                $"model.positions: rotary is not allowed with {Heads} heads in a width of {Width}, "
                + $"which makes heads of width {HeadWidth}; heads of an even width are.");
        }
    }
}
