using NtmLab.Configuration;
using NtmLab.Models.Blocks;
using NtmLab.Probes;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// A diagonal state-space model, S4D-Lin (Gu, Gupta, Goel, Re 2022):
/// <code>
/// h      = W_in x + b                     [batch, time, width]
/// h      = state space block(h)           for each layer
/// logits = W_out h + b                    [batch, time, out]
/// </code>
/// Whole sequences are computed by convolution, single steps by recurrence.
/// </summary>
public sealed class SsmModel : SequenceModel
{
    private readonly Projection _input;
    private readonly StateSpaceBlock[] _layers;
    private readonly Projection _output;

    /// <summary>Makes the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">Sizes and first steps.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public SsmModel(int inputWidth, int outputWidth, SsmOptions options, RandomStream random)
        : base("ssm", inputWidth, outputWidth)
    {
        options.Validate();
        _input = new Projection(inputWidth, options.Width, random);
        register_module("input", _input);
        _layers = new StateSpaceBlock[options.Layers];
        for (var layer = 0; layer < options.Layers; layer++)
        {
            _layers[layer] = new StateSpaceBlock(options.Width, options.States, options.StepMin, options.StepMax, random);
            register_module($"layer_{layer}", _layers[layer]);
        }

        _output = new Projection(options.Width, outputWidth, random);
        register_module("output", _output);
    }

    /// <inheritdoc/>
    public override bool ComputesAtOnce => true;

    /// <inheritdoc/>
    public override long StateSize => _layers.Sum(layer => layer.StateSize);

    /// <inheritdoc/>
    public override long MultiplyAddsPerStep =>
        _input.MultiplyAdds + _layers.Sum(layer => layer.MultiplyAddsPerStep) + _output.MultiplyAdds;

    /// <summary>
    /// The recurrent view, as for any recurrent network: the input and the output projection, one layer that the signal
    /// enters (residual paths lead past the others), and each update of its state from one step to the next. In the parallel
    /// form the graph is shallower: the convolution is one layer, whatever the lag.
    /// </summary>
    public override long PathLength(long lag) => lag == 0 ? 2 : 3 + lag;

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => new State([.. _layers.Select(layer => layer.Start(batch))]);

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        return Through(input, state, static (layer, x, last) => layer.Step(x, last));
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireSequences(input);
        return Through(input, state, static (layer, x, last) => layer.Run(x, last));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        RequireSequences(input);
        return _output.forward(_layers.Aggregate(_input.forward(input), (x, layer) => layer.forward(x)));
    }

    private (Tensor Logits, ModelState State) Through(
        Tensor input,
        ModelState state,
        Func<StateSpaceBlock, Tensor, ComplexPair, (Tensor Output, ComplexPair State)> advance)
    {
        var last = ((State)state).Layers;
        var next = new ComplexPair[_layers.Length];
        var x = _input.forward(input);
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            (x, next[layer]) = advance(_layers[layer], x, last[layer]);
        }

        return (_output.forward(x), new State(next));
    }

    private sealed record State(IReadOnlyList<ComplexPair> Layers) : ModelState
    {
        public override IEnumerable<Tensor> Tensors =>
            Layers.SelectMany(layer => (Tensor[])[layer.Real, layer.Imaginary]);

        public override ModelState With(IReadOnlyList<Tensor> tensors) =>
            new State([.. tensors.Chunk(2).Select(pair => new ComplexPair(pair[0], pair[1]))]);
    }
}

/// <summary>Configuration of an <see cref="SsmModel"/>.</summary>
[CatalogName("ssm", "Diagonal state-space model: S4D, a convolution that is also a recurrence (Gu et al. 2022).")]
public sealed record SsmOptions : ModelOptions
{
    /// <summary>Width of every layer: the number of channels, each with a state space of its own.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Complex states of each channel.</summary>
    public int States { get; init; } = 16;

    /// <summary>The number of layers.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>The smallest step size at first; with a step size of s a state fades to 1 / e in 2 / s steps.</summary>
    public double StepMin { get; init; } = 0.001;

    /// <summary>The largest step size at first.</summary>
    public double StepMax { get; init; } = 0.1;

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random) =>
        new SsmModel(inputWidth, outputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("model.width", Width, 1);
        Require.AtLeast("model.states", States, 1);
        Require.AtLeast("model.layers", Layers, 1);
        Require.Positive("model.stepMin", StepMin);
        Require.Positive("model.stepMax", StepMax);
        if (StepMax < StepMin)
        {
            throw new ConfigurationException(
                FormattableString.Invariant(
                    $"model.stepMax: {StepMax} is not allowed with a stepMin of {StepMin}; stepMin or more is."));
        }
    }
}
