using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// How strongly an output still depends on an input some steps earlier: the norm of
/// <c>u' d output(lag) / d input(0)</c> for random unit vectors u over the logits, as autograd finds it (Hochreiter et al. 2001;
/// Pascanu, Mikolov and Bengio 2013).
/// </summary>
public static class GradientFlow
{
    /// <summary>
    /// Measures all lags on one pass over random sequences of bits. The model is left in double precision and with the reference
    /// engine, which it is measured with.
    /// </summary>
    /// <param name="model">A model of vectors, trained or not.</param>
    /// <param name="lags">Steps between input and output, each 0 or more.</param>
    /// <param name="sequences">Random sequences.</param>
    /// <param name="directions">Random directions of each sequence's output.</param>
    /// <param name="seed">Decides sequences and directions.</param>
    /// <returns>One for each lag, in the order given; 0 where nothing arrives, or less than double precision holds.</returns>
    /// <exception cref="ConfigurationException">A number is out of range, or the model's inputs are tokens.</exception>
    public static IReadOnlyList<GradientNorm> Measure(
        SequenceModel model, IReadOnlyList<int> lags, int sequences = 4, int directions = 2, ulong seed = 1)
    {
        ProbeSequences.RequireProbed(model, lags);
        Require.AtLeast("probe: sequences", sequences, 1);
        Require.AtLeast("probe: directions", directions, 1);
        using var scope = NewDisposeScope();
        ProbeSequences.MakeExact(model);
        var input = ProbeSequences.Draw(model, new RandomStream(seed, "probe input"), sequences, lags.Max() + 1L);
        var random = new RandomStream(seed, "probe direction");
        return Measure(model, input, lags, () => [.. Enumerable.Range(0, directions).Select(_ => Directions(model, random, sequences))]);
    }

    private static List<GradientNorm> Measure(
        SequenceModel model, Tensor input, IReadOnlyList<int> lags, Func<List<Tensor>> directions)
    {
        // A leaf of its own, so that nothing is computed for the inputs after it.
        var first = input.narrow(1, 0, 1).clone().requires_grad_();
        var logits = model.Forward(cat([first, input.narrow(1, 1, input.shape[1] - 1)], 1));
        var norms = new List<GradientNorm>();
        foreach (var lag in lags)
        {
            using var scope = NewDisposeScope();
            var output = logits.select(1, lag);
            var found = directions()
                .SelectMany(direction => autograd.grad([output], [first], [direction], retain_graph: true)[0]
                    .square().flatten(1).sum(1L).sqrt().data<double>().ToArray())
                .ToArray();
            norms.Add(new GradientNorm(lag, found.Average(), found.Min(), found.Max()));
        }

        return norms;
    }

    /// <summary>A random unit vector for each sequence, <c>[batch, out]</c>.</summary>
    private static Tensor Directions(SequenceModel model, RandomStream random, int batch)
    {
        var values = new double[batch * model.OutputWidth];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextNormal();
        }

        var drawn = tensor(values, [batch, model.OutputWidth]);
        return drawn / drawn.square().sum(1, keepdim: true).sqrt();
    }
}

/// <summary>How strongly an output depends on an input some steps earlier, over random sequences and directions.</summary>
/// <param name="Lag">Steps between them.</param>
/// <param name="Mean">The mean norm of the gradient.</param>
/// <param name="Least">The least one.</param>
/// <param name="Greatest">The greatest one.</param>
public sealed record GradientNorm(int Lag, double Mean, double Least, double Greatest);
