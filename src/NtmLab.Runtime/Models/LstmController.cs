using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// One or more layers of long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000). Per layer,
/// with the gates stacked in libtorch's order input, forget, cell, output:
/// <code>
/// i, f, g, o = W_input x + W_hidden h + b          [batch, 4 units]
/// c' = sigmoid(f) c + sigmoid(i) tanh(g)           [batch, units]
/// h' = sigmoid(o) tanh(c')                         [batch, units]
/// </code>
/// The initial h and c are trained. There is one bias, not libtorch's two, and no peephole connections.
/// </summary>
public sealed class LstmController : Controller
{
    private readonly int _layers;

    /// <summary>Makes the controller; see <see cref="LstmControllerOptions"/>.</summary>
    public LstmController(int inputWidth, LstmControllerOptions options, RandomStream random)
        : base("lstm", inputWidth, options.Units)
    {
        _layers = options.Layers;
        var units = options.Units;
        for (var layer = 0; layer < _layers; layer++)
        {
            var below = layer == 0 ? inputWidth : units;
            register_parameter($"input_weight_{layer}", Initialisation.Xavier(random, 4 * units, below));
            register_parameter($"hidden_weight_{layer}", Initialisation.Xavier(random, 4 * units, units));
            var bias = Initialisation.Constant(0, 4 * units);
            using (no_grad())
            {
                bias.narrow(0, units, units).fill_(options.ForgetBias);
            }

            register_parameter($"bias_{layer}", bias);
            register_parameter($"initial_hidden_{layer}", Initialisation.Uniform(random, 0.05, units));
            register_parameter($"initial_cell_{layer}", Initialisation.Uniform(random, 0.05, units));
        }
    }

    /// <inheritdoc/>
    public override long StateSize => 2L * _layers * Units;

    /// <inheritdoc/>
    public override long MultiplyAddsPerStep =>
        4L * Units * (InputWidth + Units) + (_layers - 1) * 8L * Units * Units;

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Start(long batch)
    {
        var state = new Tensor[2 * _layers];
        for (var layer = 0; layer < _layers; layer++)
        {
            state[2 * layer] = Of("initial_hidden", layer).expand(batch, Units);
            state[(2 * layer) + 1] = Of("initial_cell", layer).expand(batch, Units);
        }

        return state;
    }

    /// <inheritdoc/>
    public override (Tensor Output, IReadOnlyList<Tensor> State) Step(Tensor input, IReadOnlyList<Tensor> state)
    {
        var next = new Tensor[state.Count];
        var x = input;
        for (var layer = 0; layer < _layers; layer++)
        {
            var (hidden, cell) = (state[2 * layer], state[(2 * layer) + 1]);
            var gates = nn.functional.linear(x, Of("input_weight", layer), Of("bias", layer))
                + nn.functional.linear(hidden, Of("hidden_weight", layer));
            var parts = gates.chunk(4, 1);
            cell = (parts[1].sigmoid() * cell) + (parts[0].sigmoid() * parts[2].tanh());
            x = parts[3].sigmoid() * cell.tanh();
            (next[2 * layer], next[(2 * layer) + 1]) = (x, cell);
        }

        return (x, next);
    }

    private Parameter Of(string name, int layer) => get_parameter($"{name}_{layer}")!;
}

/// <summary>Configuration of an <see cref="LstmController"/>.</summary>
public sealed record LstmControllerOptions : ControllerOptions
{
    /// <summary>The number of layers; 1 or more.</summary>
    public int Layers { get; init; } = 1;

    /// <summary>The initial bias of the forget gates; 1 keeps the cell open at the start (Jozefowicz et al. 2015).</summary>
    public float ForgetBias { get; init; } = 1;

    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) => new LstmController(inputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.AtLeast("model.controller.layers", Layers, 1);
        Require.Finite("model.controller.forgetBias", ForgetBias);
    }
}
