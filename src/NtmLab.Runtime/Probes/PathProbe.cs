using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// The shortest path from an input to an output some steps later, as the model states it from its own graph, and beside it what
/// happens to that output when the input is changed.
/// </summary>
public static class PathProbe
{
    /// <summary>
    /// Looks at all lags on one pair of passes over random sequences of bits, whose first inputs are all flipped in the second. The
    /// model is left in double precision and with the reference engine.
    /// </summary>
    /// <param name="model">A model of vectors, trained or not.</param>
    /// <param name="lags">Steps between input and output, each 0 or more.</param>
    /// <param name="sequences">Random sequences.</param>
    /// <param name="seed">Decides the sequences.</param>
    /// <returns>One for each lag, in the order given.</returns>
    /// <exception cref="ConfigurationException">A number is out of range, or the model's inputs are tokens.</exception>
    public static IReadOnlyList<PathAtLag> Measure(
        SequenceModel model, IReadOnlyList<int> lags, int sequences = 4, ulong seed = 1)
    {
        ProbeSequences.RequireProbed(model, lags);
        Require.AtLeast("probe: sequences", sequences, 1);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        ProbeSequences.MakeExact(model);
        var input = ProbeSequences.Draw(model, new RandomStream(seed, "probe input"), sequences, lags.Max() + 1L);
        var changed = input.clone();
        var first = changed.narrow(1, 0, 1);
        first.copy_(ones_like(first) - first);
        var difference = (model.Forward(changed) - model.Forward(input)).abs().amax([0, 2]).data<double>().ToArray();
        return
        [
            .. lags.Select(lag => new PathAtLag(
                lag,
                model.PathLength(lag) is var hops && hops < SequenceModel.NoPath ? hops : null,
                difference[lag])),
        ];
    }
}

/// <summary>The path from an input to an output.</summary>
/// <param name="Lag">Steps between them.</param>
/// <param name="Hops">The least number of layers on the way; null where there is no way.</param>
/// <param name="Change">By how much the output changed at most, over all logits, when every bit of the input was flipped.</param>
public sealed record PathAtLag(int Lag, long? Hops, double Change)
{
    /// <summary>
    /// Whether the change fits the path: none without one. With a path that is long, a change may be lost in rounding, which is
    /// <see cref="PathVerdict.Lost"/>.
    /// </summary>
    public PathVerdict Verdict => (Hops, Change) switch
    {
        (null, 0) => PathVerdict.Confirmed,
        (null, _) => PathVerdict.Refuted,
        (_, 0) => PathVerdict.Lost,
        _ => PathVerdict.Confirmed,
    };
}

/// <summary>Whether changing an input bears out what the model states of its paths.</summary>
public enum PathVerdict
{
    /// <summary>The output changed where there is a path, or did not where there is none.</summary>
    Confirmed,

    /// <summary>There is a path, but what came along it is less than the rounding of double precision.</summary>
    Lost,

    /// <summary>The output changed, though there is no path.</summary>
    Refuted,
}
