using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// Gated recurrent units (Cho et al. 2014), with the reset after the candidate's product, as libtorch has it:
/// <code>
/// r, z, a = W_input x + b                          [batch, 3 units]
/// p, q, m = W_hidden h, m += candidate bias        [batch, 3 units]
/// n  = tanh(a + sigmoid(r + p) m)                  [batch, units]
/// h' = (1 - sigmoid(z + q)) n + sigmoid(z + q) h   [batch, units]
/// </code>
/// With a chrono start (Tallec and Ollivier 2018) for lags up to T, biases of the update gates start at <c>ln u</c> with u
/// uniform in [1, T - 1].
/// </summary>
public sealed class GruController : Controller
{
    /// <summary>Makes the controller.</summary>
    public GruController(int inputWidth, GruControllerOptions options, RandomStream random)
        : base("gru", CellKind.Gru, inputWidth, options, random)
    {
        using var constant = no_grad();
        for (var layer = 0; options.ChronoLag > 0 && layer < Layers; layer++)
        {
            Get("bias", layer).narrow(0, Units, Units).copy_(Initialisation.Chrono(random, options.ChronoLag, Units));
        }
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor? Cell) Step(int layer, Tensor fromInput, Tensor? hidden, Tensor? cell)
    {
        var input = fromInput.chunk(3, 1);
        var last = FromHidden(layer, hidden!).chunk(3, 1);
        var reset = (input[0] + last[0]).sigmoid();
        var update = (input[1] + last[1]).sigmoid();
        var candidate = (input[2] + (reset * (last[2] + Get("candidate_bias", layer)))).tanh();
        return (candidate + (update * (hidden! - candidate)), null);
    }
}

/// <summary>Configuration of a <see cref="GruController"/>.</summary>
public sealed record GruControllerOptions : ControllerOptions
{
    /// <summary>The longest lag T that a chrono start is for (Tallec and Ollivier 2018); 0: none.</summary>
    public int ChronoLag { get; init; }

    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) => new GruController(inputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate(string path)
    {
        base.Validate(path);
        RequireChronoLag(path, ChronoLag);
    }
}
