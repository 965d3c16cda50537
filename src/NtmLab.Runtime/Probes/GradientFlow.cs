using NtmLab.Configuration;
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
    /// Measures all lags on random sequences of bits. With the reference engine that is one forward pass in double precision, in which
    /// the model is left; with the fused one a pass forward and backward in single precision for each lag, which long lags need.
    /// </summary>
    /// <param name="model">A model of vectors, trained or not.</param>
    /// <param name="lags">Steps between input and output, each 0 or more.</param>
    /// <param name="sequences">Random sequences.</param>
    /// <param name="directions">Random directions of each sequence's output.</param>
    /// <param name="seed">Decides sequences and directions.</param>
    /// <param name="engine">What computes; auto: the fused engine where it knows the model.</param>
    /// <returns>One for each lag, in the order given; 0 where nothing arrives, or less than the precision holds.</returns>
    /// <exception cref="ConfigurationException">
    /// A number is out of range, the model's inputs are tokens, or the fused engine is asked for and does not know it.
    /// </exception>
    public static IReadOnlyList<GradientNorm> Measure(
        SequenceModel model,
        IReadOnlyList<int> lags,
        int sequences = 4,
        int directions = 2,
        ulong seed = 1,
        EngineChoice engine = EngineChoice.Reference)
    {
        ProbeSequences.RequireProbed(model, lags);
        Require.AtLeast("probe: sequences", sequences, 1);
        Require.AtLeast("probe: directions", directions, 1);
        using var scope = NewDisposeScope();
        var random = new RandomStream(seed, "probe direction");
        var input = ProbeSequences.Draw(model, new RandomStream(seed, "probe input"), sequences, lags.Max() + 1L);
        List<Tensor> Drawn() => [.. Enumerable.Range(0, directions).Select(_ => Directions(model, random, sequences))];
        if (engine == EngineChoice.Fused || (engine == EngineChoice.Auto && model.CanFuse))
        {
            model.Fuse(1);
            return [.. lags.Select(lag => Fused(model, input.narrow(1, 0, lag + 1L), lag, Drawn()))];
        }

        ProbeSequences.MakeExact(model);
        return Measure(model, input, lags, Drawn);
    }

    /// <summary>A lag by a pass of its own, all directions as sequences beside each other.</summary>
    private static GradientNorm Fused(SequenceModel model, Tensor input, int lag, List<Tensor> directions)
    {
        using var scope = NewDisposeScope();
        var all = cat([.. directions.Select(_ => input)], 0).to(ScalarType.Float32);
        var first = all.narrow(1, 0, 1).clone().requires_grad_();
        var logits = model.Forward(cat([first, all.narrow(1, 1, lag)], 1));
        var gradient = autograd.grad([logits.select(1, lag)], [first], [cat([.. directions], 0).to(ScalarType.Float32)])[0];
        return NormOf(lag, Norms(gradient.to(ScalarType.Float64)));
    }

    private static double[] Norms(Tensor gradient) => gradient.square().flatten(1).sum(1L).sqrt().data<double>().ToArray();

    private static GradientNorm NormOf(int lag, double[] norms) => new(lag, norms.Average(), norms.Min(), norms.Max());

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
                .SelectMany(direction => Norms(autograd.grad([output], [first], [direction], retain_graph: true)[0]))
                .ToArray();
            norms.Add(NormOf(lag, found));
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
