using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// Layers of long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000), without peephole
/// connections:
/// <code>
/// i, f, g, o = W_input x + b + W_hidden h          [batch, 4 units]
/// c' = sigmoid(f) c + sigmoid(i) tanh(g)           [batch, units]
/// h' = sigmoid(o) tanh(c')                         [batch, units]
/// </code>
/// </summary>
public sealed class LstmController : Controller
{
    /// <summary>Makes the controller; see <see cref="LstmControllerOptions"/>.</summary>
    public LstmController(int inputWidth, LstmControllerOptions options, RandomStream random)
        : base("lstm", CellKind.Lstm, inputWidth, options, random)
    {
        using var constant = no_grad();
        for (var layer = 0; layer < Layers; layer++)
        {
            Get("bias", layer).narrow(0, Units, Units).fill_(options.ForgetBias);
        }
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor? Cell) Step(int layer, Tensor fromInput, Tensor? hidden, Tensor? cell)
    {
        var gates = (fromInput + nn.functional.linear(hidden!, Get("hidden_weight", layer))).chunk(4, 1);
        var next = (gates[1].sigmoid() * cell!) + (gates[0].sigmoid() * gates[2].tanh());
        return (gates[3].sigmoid() * next.tanh(), next);
    }
}

/// <summary>Configuration of an <see cref="LstmController"/>.</summary>
public sealed record LstmControllerOptions : ControllerOptions
{
    /// <summary>The initial bias of the forget gates; 1 keeps the cell open at the start (Jozefowicz et al. 2015).</summary>
    public float ForgetBias { get; init; } = 1;

    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) => new LstmController(inputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.Finite("model.controller.forgetBias", ForgetBias);
    }
}
