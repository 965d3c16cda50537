using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// Plain recurrent layers (Elman 1990): <c>h' = tanh(W_input x + b + W_hidden h)</c>. Their hidden weights may start as the
/// identity (Le, Jaitly, Hinton 2015) or as a random rotation (Saxe, McClelland, Ganguli 2014), neither of which makes a
/// signal grow or shrink from step to step.
/// </summary>
public sealed class RnnController : Controller
{
    /// <summary>Makes the controller.</summary>
    public RnnController(int inputWidth, RnnControllerOptions options, RandomStream random)
        : base("rnn", CellKind.Rnn, inputWidth, options, random)
    {
        using var constant = no_grad();
        for (var layer = 0; options.HiddenStart != HiddenStart.Xavier && layer < Layers; layer++)
        {
            Get("hidden_weight", layer).copy_(
                options.HiddenStart == HiddenStart.Identity ? eye(Units) : Initialisation.Orthogonal(random, Units));
        }
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor? Cell) Step(int layer, Tensor fromInput, Tensor? hidden, Tensor? cell) =>
        ((fromInput + FromHidden(layer, hidden!)).tanh(), null);
}

/// <summary>Configuration of an <see cref="RnnController"/>.</summary>
public sealed record RnnControllerOptions : ControllerOptions
{
    /// <summary>What the hidden weights start as.</summary>
    public HiddenStart HiddenStart { get; init; }

    /// <inheritdoc/>
    public override Controller Build(int inputWidth, RandomStream random) => new RnnController(inputWidth, this, random);
}

/// <summary>What the hidden weights of plain recurrent layers start as.</summary>
public enum HiddenStart
{
    /// <summary>Uniform, by fan-in and fan-out (Glorot and Bengio 2010).</summary>
    Xavier,

    /// <summary>The identity.</summary>
    Identity,

    /// <summary>A random orthogonal matrix.</summary>
    Orthogonal,
}
