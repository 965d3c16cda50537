using NtmLab.Kernels;
using NtmLab.Probes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// Recurrent layers with a linear output: all that is remembered of the past is in their state.
/// <code>
/// h      = layers(input, state of the last step)     [batch, units]
/// logits = W_output h + b                            [batch, out]
/// </code>
/// </summary>
public sealed class RecurrentModel : FusableModel
{
    private readonly Controller _layers;

    /// <summary>Makes the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">The layers, validated.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public RecurrentModel(int inputWidth, int outputWidth, ControllerOptions options, RandomStream random)
        : this(inputWidth, outputWidth, options.Build(inputWidth, random), random)
    {
    }

    private RecurrentModel(int inputWidth, int outputWidth, Controller layers, RandomStream random)
        : base(layers.GetName(), inputWidth, outputWidth)
    {
        _layers = layers;
        register_module("layers", _layers);
        register_parameter("output_weight", Initialisation.Xavier(random, outputWidth, _layers.OutputWidth));
        register_parameter("output_bias", Initialisation.Constant(0, outputWidth));
    }

    /// <inheritdoc/>
    public override long StateSize => _layers.StateSize;

    /// <summary>Multiply-adds of one forward step for one sequence: the products with all weights.</summary>
    public override long MultiplyAddsPerStep => _layers.MultiplyAddsPerStep + OutputWeight.numel();

    /// <inheritdoc/>
    public override long ResultsPerStep => _layers.ResultsPerStep + OutputWidth;

    /// <summary>
    /// A signal goes up one layer or on one step at a time, and through the output: layers + lag + 1; with skip connections one
    /// layer is enough.
    /// </summary>
    public override long PathLength(long lag) => (_layers.Skip ? 1 : _layers.Layers) + lag + 1;

    /// <inheritdoc/>
    protected override NetworkShape? FusedShape => _layers.CanFuse
        ? new RecurrentShape(_layers.Kind, _layers.Layers, InputWidth, _layers.Units)
        : null;

    /// <inheritdoc/>
    protected override nn.Module FusedModule => _layers;

    /// <inheritdoc/>
    protected override IEnumerable<Tensor> TrainedStart => _layers.InitialState;

    private Parameter OutputWeight => get_parameter("output_weight")!;

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => new State(_layers.Start(batch));

    /// <inheritdoc/>
    protected override (Tensor Output, ModelState State) OutputStep(Tensor input, ModelState state, HeadTrace? trace)
    {
        var (output, next) = _layers.Step(input, ((State)state).Layers);
        return (output, new State(next));
    }

    /// <inheritdoc/>
    protected override Tensor Logits(Tensor output) =>
        nn.functional.linear(output, OutputWeight, get_parameter("output_bias"));

    private sealed record State(ControllerState Layers) : ModelState
    {
        public override IEnumerable<Tensor> Tensors => Layers.Tensors;

        public override ModelState With(IReadOnlyList<Tensor> tensors) => new State(Layers.With(tensors));
    }
}

/// <summary>Configuration of a <see cref="RecurrentModel"/>.</summary>
public abstract record RecurrentModelOptions : ModelOptions
{
    /// <summary>Width of each layer; 1 or more.</summary>
    public int Units { get; init; } = 100;

    /// <summary>The number of layers; 1 or more.</summary>
    public int Layers { get; init; } = 1;

    /// <inheritdoc cref="ControllerOptions.LayerNorm"/>
    public bool LayerNorm { get; init; }

    /// <inheritdoc cref="ControllerOptions.Skip"/>
    public bool Skip { get; init; }

    /// <inheritdoc cref="ControllerOptions.FirstState"/>
    public FirstState FirstState { get; init; }

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random)
    {
        Validate();
        return new RecurrentModel(inputWidth, outputWidth, ControllerOptions(), random);
    }

    /// <inheritdoc/>
    public override void Validate() => ControllerOptions().Validate("model");

    /// <summary>The layers.</summary>
    protected abstract ControllerOptions ControllerOptions();
}
