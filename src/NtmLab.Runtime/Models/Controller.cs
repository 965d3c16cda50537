using System.Text.Json.Serialization;
using NtmLab.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The network that drives a memory: sees the input and what was read, and says what the heads do. One or more layers of the
/// same kind and width; each sees the output of the one below. Gates are stacked in libtorch's order; first states are
/// trained. Parameters, with the layer's number after each name:
/// <code>
/// input_weight     [gates units, width of what the layer sees]
/// hidden_weight    [gates units, units]    unless the layer is feed-forward
/// bias             [gates units]           one, not libtorch's two
/// candidate_bias   [units]                 GRU: with the candidate's product with the hidden state
/// initial_hidden   [units]                 unless the layer is feed-forward
/// initial_cell     [units]                 LSTM
/// </code>
/// </summary>
public abstract class Controller : nn.Module
{
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
        var rows = GatesOf(kind) * Units;
        for (var layer = 0; layer < Layers; layer++)
        {
            var below = layer == 0 ? inputWidth : Units;
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
                register_parameter($"initial_hidden_{layer}", Initialisation.Uniform(random, 0.05, Units));
            }

            if (kind == CellKind.Lstm)
            {
                register_parameter($"initial_cell_{layer}", Initialisation.Uniform(random, 0.05, Units));
            }
        }
    }

    /// <summary>What the layers compute.</summary>
    public CellKind Kind { get; }

    /// <summary>Width of what the controller sees in each step: the input and all read vectors.</summary>
    public int InputWidth { get; }

    /// <summary>Width of each layer, and of the controller's output.</summary>
    public int Units { get; }

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>Values carried from step to step for one sequence.</summary>
    public long StateSize => (long)Layers * Units * (Kind == CellKind.Lstm ? 2 : Kind == CellKind.FeedForward ? 0 : 1);

    /// <summary>Multiply-adds of one step for one sequence.</summary>
    public long MultiplyAddsPerStep
    {
        get
        {
            long gates = (long)GatesOf(Kind) * Units, hidden = Kind == CellKind.FeedForward ? 0 : Units;
            return gates * (InputWidth + hidden + ((Layers - 1) * (Units + hidden)));
        }
    }

    /// <summary>A parameter of a layer by its name without the number; null if layers of this kind have none.</summary>
    public Parameter? Find(string name, int layer) => get_parameter($"{name}_{layer}");

    /// <summary>The trained first states: hidden state of each layer, then cell of each, as far as it has them.</summary>
    public IEnumerable<Parameter> InitialState => Of("initial_hidden").Concat(Of("initial_cell"));

    /// <summary>The state before the first step, the trained one for every sequence.</summary>
    /// <param name="batch">The number of sequences.</param>
    public ControllerState Start(long batch)
    {
        Tensor[] Each(string name) => [.. Of(name).Select(parameter => parameter.expand(batch, Units))];
        return new ControllerState(Each("initial_hidden"), Each("initial_cell"));
    }

    /// <summary>One step.</summary>
    /// <param name="input">What the controller sees, <c>[batch, InputWidth]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    /// <returns>The output <c>[batch, Units]</c> and the next state.</returns>
    public (Tensor Output, ControllerState State) Step(Tensor input, ControllerState state)
    {
        var (hidden, cells) = (new List<Tensor>(), new List<Tensor>());
        var x = input;
        for (var layer = 0; layer < Layers; layer++)
        {
            (x, var cell) = Step(
                layer,
                nn.functional.linear(x, Get("input_weight", layer), Get("bias", layer)),
                state.Hidden.ElementAtOrDefault(layer),
                state.Cells.ElementAtOrDefault(layer));
            if (Kind != CellKind.FeedForward)
            {
                hidden.Add(x);
            }

            if (cell is not null)
            {
                cells.Add(cell);
            }
        }

        return (x, new ControllerState(hidden, cells));
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

    private IEnumerable<Parameter> Of(string name) =>
        Enumerable.Range(0, Layers).Select(layer => Find(name, layer)).OfType<Parameter>();

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

    /// <summary>Builds the controller.</summary>
    public abstract Controller Build(int inputWidth, RandomStream random);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public virtual void Validate()
    {
        Require.AtLeast("model.controller.units", Units, 1);
        Require.AtLeast("model.controller.layers", Layers, 1);
    }
}
