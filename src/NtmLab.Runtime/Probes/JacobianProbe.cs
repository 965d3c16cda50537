using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// How a step turns and stretches what a model remembers: the Jacobian <c>J(t) = d state(t + 1) / d state(t)</c> along a random
/// sequence, by autograd in double precision with the reference engine, and the product of all steps' Jacobians, whose growth decides
/// whether gradients vanish or explode (Pascanu, Mikolov and Bengio 2013; exponents: Benettin et al. 1980).
/// </summary>
public static class JacobianProbe
{
    /// <summary>The most values of a state: a Jacobian has their square, and its spectrum takes their cube.</summary>
    public const int StateLimit = 2000;

    /// <summary>Values of the state carried through a step at once: the state is in as many sequences as it has values.</summary>
    private const long ValuesAtOnce = 1_000_000;

    /// <summary>
    /// Looks at one sequence of random bits. The model is left in double precision and with the reference engine.
    /// </summary>
    /// <param name="model">A model of vectors whose state keeps its size, trained or not.</param>
    /// <param name="steps">Steps of the sequence, N.</param>
    /// <param name="points">Steps whose own spectrum is told, evenly apart, the last step among them; at most so many as steps.</param>
    /// <param name="seed">Decides the sequence.</param>
    /// <exception cref="ConfigurationException">
    /// A number is out of range, the model's inputs are tokens, its state grows or has more than <see cref="StateLimit"/> values.
    /// </exception>
    public static JacobianSpectrum Measure(SequenceModel model, int steps = 100, int points = 4, ulong seed = 1)
    {
        ProbeSequences.RequireVectors(model);
        Require.AtLeast("probe: --steps", steps, 1);
        Require.AtLeast("probe: points", points, 1);
        RequireSmall(model);
        using var scope = NewDisposeScope();
        ProbeSequences.MakeExact(model);
        var input = ProbeSequences.Draw(model, new RandomStream(seed, "probe input"), 1, steps);
        var state = model.InitialState(1);
        var product = new JacobianProduct();
        var found = new List<JacobianPoint>();
        for (var t = 0; t < steps; t++)
        {
            using var step = NewDisposeScope();
            var x = input.select(1, t);
            var jacobian = Of(model, x, state);
            product.Append(jacobian);
            if ((t + 1) * (long)points / steps > t * (long)points / steps)
            {
                found.Add(Spectrum(t + 1, jacobian));
            }

            using var noGradient = no_grad();
            state = model.Step(x, state).State;
            foreach (var part in state.Tensors)
            {
                part.MoveToOuterDisposeScope();
            }
        }

        return product.Spectrum(found);
    }

    /// <summary>The Jacobian of one step.</summary>
    /// <param name="model">A model in double precision.</param>
    /// <param name="input">The step's input, <c>[1, feature]</c>.</param>
    /// <param name="state">The state before it, of one sequence.</param>
    /// <returns>
    /// Row i, column j: how value i of the next state changes with value j of this one, <c>[state, state]</c>; values of all floating-point
    /// tensors of the state in their order.
    /// </returns>
    public static Tensor Of(SequenceModel model, Tensor input, ModelState state)
    {
        using var scope = NewDisposeScope();
        Tensor[] parts = [.. state.Tensors];
        var size = parts.Where(part => part.is_floating_point()).Sum(part => part.numel());
        var identity = eye(size, dtype: ScalarType.Float64);
        var rows = new List<Tensor>();
        for (long first = 0, each = Math.Max(1, ValuesAtOnce / size); first < size; first += each)
        {
            // Sequences of a batch do not see each other: the same state in as many sequences gives as many rows in one backward pass.
            using var some = NewDisposeScope();
            var count = Math.Min(each, size - first);
            var values = Flat(parts).expand(count, size).clone().requires_grad_();
            var place = 0L;
            Tensor Own(Tensor part)
            {
                long[] shape = [count, .. part.shape[1..]];
                if (!part.is_floating_point())
                {
                    return part.expand(shape);
                }

                place += part.numel();
                return values.narrow(1, place - part.numel(), part.numel()).reshape(shape);
            }

            var next = model.Step(input.expand(count, -1), state.With([.. parts.Select(Own)])).State;
            rows.Add(autograd.grad([Flat([.. next.Tensors])], [values], [identity.narrow(0, first, count)])[0].MoveToOuterDisposeScope());
        }

        return cat(rows, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The spectrum of a matrix.</summary>
    /// <param name="step">The step that it belongs to, the first being 1.</param>
    /// <param name="jacobian">The matrix, <c>[state, state]</c>.</param>
    public static JacobianPoint Spectrum(int step, Tensor jacobian)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return new JacobianPoint(
            step,
            linalg.svdvals(jacobian).data<double>().ToArray(),
            linalg.eigvals(jacobian).abs().sort(0, descending: true).Values.data<double>().ToArray());
    }

    /// <summary>All floating-point values of each sequence, <c>[batch, values]</c>.</summary>
    private static Tensor Flat(IEnumerable<Tensor> parts) =>
        cat([.. parts.Where(part => part.is_floating_point()).Select(part => part.flatten(1))], 1);

    private static void RequireSmall(SequenceModel model)
    {
        if (model.StateGrows)
        {
            throw new ConfigurationException(
                $"probe: the state of model '{model.GetName()}' grows, so that its Jacobians are of different sizes; "
                + "models whose state keeps its size are probed.");
        }

        if (model.StateSize > StateLimit)
        {
            throw new ConfigurationException(
                $"probe: the state of model '{model.GetName()}' has {model.StateSize} values; at most {StateLimit} are allowed, "
                + "as smaller options of the model have, e.g. --set model.slots=16.");
        }
    }
}
