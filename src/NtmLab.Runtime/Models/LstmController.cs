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
/// Biases of the forget gates start at a constant, or with a chrono start (Tallec and Ollivier 2018) for lags up to T at
/// <c>ln u</c> with u uniform in [1, T - 1], and those of the input gates at its negative, so that cells forget at rates that
/// cover all those lags.
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
            var (input, forget) = (Get("bias", layer).narrow(0, 0, Units), Get("bias", layer).narrow(0, Units, Units));
            if (options.ChronoLag == 0)
            {
                HeldNumber.With(options.ForgetBias, forget.fill_);
            }
            else
            {
                forget.copy_(Initialisation.Chrono(random, options.ChronoLag, Units));
                input.copy_(forget.neg());
            }
        }
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor? Cell) Step(int layer, Tensor fromInput, Tensor? hidden, Tensor? cell)
    {
        var gates = (fromInput + FromHidden(layer, hidden!)).chunk(4, 1);
        var next = (gates[1].sigmoid() * cell!) + (gates[0].sigmoid() * gates[2].tanh());
        var seen = LayerNorm ? Normalised(next, Get("cell_scale", layer), Get("cell_shift", layer)) : next;
        return (gates[3].sigmoid() * seen.tanh(), next);
    }
}

/// <summary>Configuration of an <see cref="LstmController"/>.</summary>
public sealed record LstmControllerOptions : ControllerOptions
{
    /// <summary>The initial bias of the forget gates; 1 keeps the cell open at the start (Jozefowicz et al. 2015).</summary>
    public float ForgetBias { get; init; } = 1;

    /// <summary>The longest lag T that a chrono start is for, in its place (Tallec and Ollivier 2018); 0: none.</summary>
    public int ChronoLag { get; init; }

    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) => new LstmController(inputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate(string path)
    {
        base.Validate(path);
        Require.Finite($"{path}.forgetBias", ForgetBias);
        RequireChronoLag(path, ChronoLag);
    }
}
