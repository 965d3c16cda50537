using NtmLab.Configuration;
using NtmLab.Models.Blocks;
using NtmLab.Probes;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// DeltaNet: linear attention whose memory, a matrix for each head, is written with the delta rule (Schlag, Irie, Schmidhuber
/// 2021; Yang, Wang, Zhang, Shen, Kim 2024):
/// <code>
/// h      = W_in x + b                                       [batch, time, width]
/// h      = feed forward(fast weights(h))                    for each layer, both with a residual path
/// logits = W_out norm(h) + b                                [batch, time, out]
/// </code>
/// Whole sequences are computed chunk by chunk, in parallel within a chunk.
/// </summary>
public sealed class DeltaNetModel : SequenceModel
{
    private readonly DeltaNetOptions _options;
    private readonly Projection _input;
    private readonly (FastWeightBlock Memory, FeedForwardBlock FeedForward)[] _layers;
    private readonly LayerNormalisation _norm;
    private readonly Projection _output;

    /// <summary>Makes the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">Sizes and the rule.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public DeltaNetModel(int inputWidth, int outputWidth, DeltaNetOptions options, RandomStream random)
        : base("deltanet", inputWidth, outputWidth)
    {
        options.Validate();
        _options = options;
        var hidden = options.Hidden == 0 ? 2 * options.Width : options.Hidden;
        _input = new Projection(inputWidth, options.Width, random);
        _layers = new (FastWeightBlock, FeedForwardBlock)[options.Layers];
        for (var layer = 0; layer < options.Layers; layer++)
        {
            _layers[layer] = (
                new FastWeightBlock(options.Width, options.Heads, options.Convolution, options.Rule, random),
                new FeedForwardBlock(options.Width, hidden, random));
        }

        _norm = new LayerNormalisation(options.Width);
        _output = new Projection(options.Width, outputWidth, random);
        register_module("input", _input);
        for (var layer = 0; layer < options.Layers; layer++)
        {
            register_module($"memory_{layer}", _layers[layer].Memory);
            register_module($"feed_forward_{layer}", _layers[layer].FeedForward);
        }

        register_module("norm", _norm);
        register_module("output", _output);
    }

    /// <inheritdoc/>
    public override bool ComputesAtOnce => true;

    /// <inheritdoc/>
    public override long StateSize => _layers.Sum(layer => layer.Memory.StateSize);

    /// <inheritdoc/>
    public override long MultiplyAddsPerStep =>
        _input.MultiplyAdds
        + _layers.Sum(layer => layer.Memory.MultiplyAddsPerStep + layer.FeedForward.MultiplyAdds)
        + _output.MultiplyAdds;

    /// <summary>
    /// The recurrent view, as for any recurrent network: the input and the output projection, each layer of fast weights
    /// that the signal enters (residual paths lead past the others, and past the feed-forward networks), and each update of
    /// a matrix from one step to the next. Convolutions shorten the way: each layer entered is <c>convolution - 1</c> steps
    /// that no matrix has to be carried over. In the parallel form the graph is shallower: one update for a whole chunk.
    /// </summary>
    public override long PathLength(long lag)
    {
        long reach = Math.Max(0, _options.Convolution - 1);
        return lag == 0
            ? 2
            : Enumerable.Range(1, _options.Layers).Min(entered => 2 + entered + Math.Max(0, lag - (entered * reach)));
    }

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => new State([.. _layers.Select(layer => layer.Memory.Start(batch))]);

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        var (logits, next) = Run(input.unsqueeze(1), state, trace);
        return (logits.squeeze(1), next);
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var last = ((State)state).Layers;
        var next = new FastWeightState[_layers.Length];
        var x = _input.forward(input);
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            (x, next[layer]) = _layers[layer].Memory.Run(x, last[layer]);
            x = _layers[layer].FeedForward.forward(x);
        }

        return (_output.forward(_norm.forward(x)), new State(next));
    }

    private sealed record State(IReadOnlyList<FastWeightState> Layers) : ModelState
    {
        public override IEnumerable<Tensor> Tensors => Layers.SelectMany(layer => layer.Tensors);

        public override ModelState With(IReadOnlyList<Tensor> tensors) => new State(
            [.. tensors.Chunk(Layers[0].Tensors.Count()).Select(own => new FastWeightState(own[0], own.ElementAtOrDefault(1)))]);
    }
}

/// <summary>Configuration of a <see cref="DeltaNetModel"/>.</summary>
[CatalogName("deltanet", "DeltaNet: linear attention written with the delta rule (Schlag et al. 2021, Yang et al. 2024).")]
public sealed record DeltaNetOptions : ModelOptions
{
    /// <summary>Width of every layer; a multiple of the number of heads.</summary>
    public int Width { get; init; } = 64;

    /// <summary>The number of heads in each layer.</summary>
    public int Heads { get; init; } = 2;

    /// <summary>The number of layers.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Steps that the convolution of queries, keys and values sees; 0 or 1: no convolution.</summary>
    public int Convolution { get; init; } = 4;

    /// <summary>How the memory is written; additive, with the same gate beta, to see what the delta rule is worth.</summary>
    public FastWeightRule Rule { get; init; } = FastWeightRule.Delta;

    /// <summary>Width in between of the feed-forward networks; 0: twice the width.</summary>
    public int Hidden { get; init; }

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random) =>
        new DeltaNetModel(inputWidth, outputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("model.width", Width, 1);
        Require.AtLeast("model.heads", Heads, 1);
        Require.AtLeast("model.layers", Layers, 1);
        Require.AtLeast("model.convolution", Convolution, 0);
        Require.AtLeast("model.hidden", Hidden, 0);
        Require.Shareable("model.width", Width, Heads);
    }
}
