using System.Text.Json.Serialization;
using NtmLab.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The network that drives a memory: sees the input and what was read, and says what the heads do; without a memory, the layers
/// of a recurrent model. One or more layers of the same kind and width; each sees the output of the one below. Gates are
/// stacked in libtorch's order. Parameters, with the layer's number after each name:
/// <code>
/// input_weight     [gates units, width of what the layer sees]
/// hidden_weight    [gates units, units]    unless the layer is feed-forward
/// bias             [gates units]           one, not libtorch's two
/// candidate_bias   [units]                 GRU: with the candidate's product with the hidden state
/// initial_hidden   [units]                 unless the layer is feed-forward
/// initial_cell     [units]                 LSTM
/// input_scale      [gates units]           with layer normalisation
/// hidden_scale     [gates units]           with layer normalisation, unless the layer is feed-forward
/// cell_scale       [units]                 with layer normalisation, LSTM; and cell_shift
/// </code>
/// With layer normalisation (Ba, Kiros, Hinton 2016, equations 20 to 22) the products with the input and with the hidden state
/// are each brought to zero mean and unit variance over all gates together, then scaled; an LSTM's new cell likewise, before
/// its tanh. With skip connections (Graves 2013, section 2) every layer sees the input beside the layer below, and the output
/// is that of all layers together.
/// </summary>
public abstract class Controller : nn.Module
{
    private const double NormEpsilon = 1e-5;

    /// <summary>Makes a controller with freshly drawn parameters.</summary>
    /// <param name="name">The controller's kind, as in a configuration.</param>
    /// <param name="kind">What its layers compute.</param>
    /// <param name="inputWidth">Width of what it sees in each step.</param>
    /// <param name="options">Its sizes, validated.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    protected Controller(string name, CellKind kind, int inputWidth, ControllerOptions options, RandomStream random)
        : base(name)
    {
        Kind = kind;
        InputWidth = inputWidth;
        Units = options.Units;
        Layers = options.Layers;
        LayerNorm = options.LayerNorm;
        Skip = options.Skip && Layers > 1;
        var rows = GatesOf(kind) * Units;
        for (var layer = 0; layer < Layers; layer++)
        {
            var below = SeenBy(layer);
            register_parameter($"input_weight_{layer}", Initialisation.Xavier(random, rows, below));
            if (kind != CellKind.FeedForward)
            {
                register_parameter($"hidden_weight_{layer}", Initialisation.Xavier(random, rows, Units));
            }

            register_parameter($"bias_{layer}", Initialisation.Constant(0, rows));
            if (kind == CellKind.Gru)
            {
                register_parameter($"candidate_bias_{layer}", Initialisation.Constant(0, Units));
            }

            if (kind != CellKind.FeedForward)
            {
                RegisterFirst($"initial_hidden_{layer}", options.FirstState, random);
            }

            if (kind == CellKind.Lstm)
            {
                RegisterFirst($"initial_cell_{layer}", options.FirstState, random);
            }

            if (LayerNorm)
            {
                RegisterScales(layer, rows);
            }
        }
    }

    /// <summary>What the layers compute.</summary>
    public CellKind Kind { get; }

    /// <summary>Width of what the controller sees in each step: the input and all read vectors.</summary>
    public int InputWidth { get; }

    /// <summary>Width of each layer.</summary>
    public int Units { get; }

    /// <summary>Width of the controller's output.</summary>
    public int OutputWidth => Skip ? Layers * Units : Units;

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>Whether products are normalised.</summary>
    public bool LayerNorm { get; }

    /// <summary>Whether every layer sees the input and is seen in the output.</summary>
    public bool Skip { get; }

    /// <summary>Whether the fused engine knows these layers.</summary>
    public bool CanFuse => !LayerNorm && !Skip;

    /// <summary>Values carried from step to step for one sequence.</summary>
    public long StateSize => (long)Layers * Units * (Kind == CellKind.Lstm ? 2 : Kind == CellKind.FeedForward ? 0 : 1);

    /// <summary>Multiply-adds of one step for one sequence.</summary>
    public long MultiplyAddsPerStep
    {
        get
        {
            long gates = (long)GatesOf(Kind) * Units, hidden = Kind == CellKind.FeedForward ? 0 : Units;
            return gates * Enumerable.Range(0, Layers).Sum(layer => SeenBy(layer) + hidden);
        }
    }

    /// <summary>Results of products with weights in one step of one sequence: the gates of every layer, before they are bent.</summary>
    public long ResultsPerStep => (long)Layers * GatesOf(Kind) * Units;

    /// <summary>A parameter of a layer by its name without the number; null if layers of this kind have none.</summary>
    public Parameter? Find(string name, int layer) => get_parameter($"{name}_{layer}");

    /// <summary>The first states, <c>[units]</c>: hidden state of each layer, then cell of each, as far as it has them.</summary>
    public IEnumerable<Tensor> InitialState => First("initial_hidden").Concat(First("initial_cell"));

    /// <summary>The state before the first step, the same for every sequence.</summary>
    /// <param name="batch">The number of sequences.</param>
    public ControllerState Start(long batch)
    {
        Tensor[] Each(string name) => [.. First(name).Select(first => first.expand(batch, Units))];
        return new ControllerState(Each("initial_hidden"), Each("initial_cell"));
    }

    /// <summary>One step.</summary>
    /// <param name="input">What the controller sees, <c>[batch, InputWidth]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    /// <returns>The output <c>[batch, OutputWidth]</c> and the next state.</returns>
    public (Tensor Output, ControllerState State) Step(Tensor input, ControllerState state)
    {
        var (hidden, cells, outputs) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        var x = input;
        for (var layer = 0; layer < Layers; layer++)
        {
            x = Skip && layer > 0 ? cat([x, input], 1) : x;
            (x, var cell) = Step(
                layer,
                FromInput(layer, x),
                state.Hidden.ElementAtOrDefault(layer),
                state.Cells.ElementAtOrDefault(layer));
            outputs.Add(x);
            if (Kind != CellKind.FeedForward)
            {
                hidden.Add(x);
            }

            if (cell is not null)
            {
                cells.Add(cell);
            }
        }

        return (Skip ? cat(outputs, 1) : x, new ControllerState(hidden, cells));
    }

    /// <summary>One step of one layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="fromInput">W_input x + b, <c>[batch, gates units]</c>.</param>
    /// <param name="hidden">h, <c>[batch, units]</c>; null for a feed-forward layer.</param>
    /// <param name="cell">c, <c>[batch, units]</c>; null unless the layer has one.</param>
    /// <returns>h' and c', where the layer has one.</returns>
    protected abstract (Tensor Hidden, Tensor? Cell) Step(int layer, Tensor fromInput, Tensor? hidden, Tensor? cell);

    /// <summary>A parameter that layers of this kind have.</summary>
    protected Parameter Get(string name, int layer) => Find(name, layer)!;

    /// <summary>What comes to the gates from the hidden state, normalised and scaled if that is wanted.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="hidden">h, <c>[batch, units]</c>.</param>
    /// <returns><c>[batch, gates units]</c>.</returns>
    protected Tensor FromHidden(int layer, Tensor hidden)
    {
        var product = nn.functional.linear(hidden, Get("hidden_weight", layer));
        return LayerNorm ? Normalised(product, Get("hidden_scale", layer), null) : product;
    }

    /// <summary>Zero mean and unit variance over the last dimension, then scale and shift.</summary>
    protected static Tensor Normalised(Tensor values, Tensor scale, Tensor? shift) =>
        nn.functional.layer_norm(values, [values.shape[^1]], scale, shift, NormEpsilon);

    private int SeenBy(int layer) => layer == 0 ? InputWidth : Skip ? Units + InputWidth : Units;

    private Tensor FromInput(int layer, Tensor input)
    {
        var (weight, bias) = (Get("input_weight", layer), Get("bias", layer));
        return LayerNorm
            ? Normalised(nn.functional.linear(input, weight), Get("input_scale", layer), bias)
            : nn.functional.linear(input, weight, bias);
    }

    private void RegisterFirst(string name, FirstState first, RandomStream random)
    {
        if (first == FirstState.Trained)
        {
            register_parameter(name, Initialisation.Uniform(random, 0.05, Units));
        }
        else
        {
            register_buffer(name, zeros(Units));
        }
    }

    private void RegisterScales(int layer, int rows)
    {
        register_parameter($"input_scale_{layer}", Initialisation.Constant(1, rows));
        if (Kind != CellKind.FeedForward)
        {
            register_parameter($"hidden_scale_{layer}", Initialisation.Constant(1, rows));
        }

        if (Kind == CellKind.Lstm)
        {
            register_parameter($"cell_scale_{layer}", Initialisation.Constant(1, Units));
            register_parameter($"cell_shift_{layer}", Initialisation.Constant(0, Units));
        }
    }

    private IEnumerable<Tensor> First(string name) =>
        Enumerable.Range(0, Layers).Select(layer => Find(name, layer) ?? get_buffer($"{name}_{layer}")).OfType<Tensor>();

    private static int GatesOf(CellKind kind) => kind switch
    {
        CellKind.Lstm => 4,
        CellKind.Gru => 3,
        _ => 1,
    };
}

/// <summary>What a controller carries from step to step.</summary>
/// <param name="Hidden">The hidden state of each layer, <c>[batch, units]</c>; empty for a feed-forward controller.</param>
/// <param name="Cells">The cell of each layer, <c>[batch, units]</c>; empty unless the controller is an LSTM.</param>
public sealed record ControllerState(IReadOnlyList<Tensor> Hidden, IReadOnlyList<Tensor> Cells)
{
    /// <summary>All tensors of the state.</summary>
    public IEnumerable<Tensor> Tensors => Hidden.Concat(Cells);

    /// <summary>A state of the same kind with other tensors, in the order of <see cref="Tensors"/>.</summary>
    public ControllerState With(IReadOnlyList<Tensor> tensors) =>
        new([.. tensors.Take(Hidden.Count)], [.. tensors.Skip(Hidden.Count).Take(Cells.Count)]);
}

/// <summary>A controller's configuration.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(LstmControllerOptions), "lstm")]
[JsonDerivedType(typeof(GruControllerOptions), "gru")]
[JsonDerivedType(typeof(RnnControllerOptions), "rnn")]
[JsonDerivedType(typeof(FeedForwardControllerOptions), "feed-forward")]
public abstract record ControllerOptions
{
    /// <summary>Width of each layer; 1 or more.</summary>
    public int Units { get; init; } = 100;

    /// <summary>The number of layers; 1 or more.</summary>
    public int Layers { get; init; } = 1;

    /// <summary>Whether products with weights are normalised (Ba, Kiros, Hinton 2016); the reference engine only.</summary>
    public bool LayerNorm { get; init; }

    /// <summary>
    /// Whether every layer sees the input and is seen in the output (Graves 2013, section 2), as the LSTM networks of the Neural
    /// Turing Machine paper have it; the reference engine only. Nothing changes for one layer.
    /// </summary>
    public bool Skip { get; init; }

    /// <summary>What the layers start from; trained, as in the Neural Turing Machine (Graves et al. 2014), by default.</summary>
    public FirstState FirstState { get; init; }

    /// <summary>Builds the controller.</summary>
    public abstract Controller Build(int inputWidth, RandomStream random);

    /// <summary>Checks every option.</summary>
    /// <param name="path">The path of these options, for messages.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public virtual void Validate(string path)
    {
        Require.AtLeast($"{path}.units", Units, 1);
        Require.AtLeast($"{path}.layers", Layers, 1);
    }

    /// <summary>Checks the lag of a chrono start.</summary>
    private protected static void RequireChronoLag(string path, int lag)
    {
        if (lag is not 0 and < 2)
        {
            throw new ConfigurationException($"{path}.chronoLag: {lag} is not allowed; 0 (none) and 2 or more are.");
        }
    }
}

/// <summary>What recurrent layers start from.</summary>
public enum FirstState
{
    /// <summary>Trained values, drawn small.</summary>
    Trained,

    /// <summary>Zeros.</summary>
    Zero,
}
