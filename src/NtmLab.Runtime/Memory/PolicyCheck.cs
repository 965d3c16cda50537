using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Holds a policy to what every model relies on. It is played for some steps on random values of the controller, of several
/// magnitudes, in double precision.
/// </summary>
public sealed partial class PolicyCheck
{
    private const int Batch = 3;
    private const int Steps = 9;
    private const int InputWidth = 5;
    private const double Rounding = 1e-9;
    private const double NeighbourRounding = 1e-7;

    private static readonly double[] Magnitudes = [0.3, 2, 30];

    private readonly Func<int, MemoryPolicy> _build;
    private readonly int _slots;
    private readonly MemoryModelOptions? _options;
    private readonly RandomStream _random = new(1, "policy check");

    private PolicyCheck(MemoryModelOptions options)
        : this(options.BuildPolicy, options.Slots) => _options = options;

    private PolicyCheck(Func<int, MemoryPolicy> build, int slots) => (_build, _slots) = (build, slots);

    private delegate string Finding();

    /// <summary>Checks the policy of a model.</summary>
    /// <param name="options">The model's options; the policy is built from them anew for each check.</param>
    /// <returns>What was found, one entry for each check.</returns>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public static PolicyReport Run(MemoryModelOptions options) => Run(new PolicyCheck(options));

    /// <summary>Checks a policy that no options describe.</summary>
    /// <param name="build">Makes the policy, given the features of the model's input; called anew for each check.</param>
    /// <param name="slots">The number of slots; of a memory that grows, the most that there may be.</param>
    /// <returns>What was found, one entry for each check.</returns>
    public static PolicyReport Run(Func<int, MemoryPolicy> build, int slots) => Run(new PolicyCheck(build, slots));

    private static PolicyReport Run(PolicyCheck check)
    {
        string name;
        using (var policy = check.Build())
        {
            name = policy.GetName();
        }

        (string Name, Finding Find)[] checks =
        [
            ("shapes", check.Shapes),
            ("weightings", check.Weightings),
            ("erase vectors", check.EraseVectors),
            ("gradients", check.Gradients),
            ("batch independence", check.BatchIndependence),
            ("save and restore", check.SaveAndRestore),
            ("determinism", check.Determinism),
            ("single precision", check.SinglePrecision),
            ("fewest slots", check.FewestSlots),
        ];
        return new PolicyReport(name, [.. checks.Select(one => Judge(one.Name, one.Find))]);
    }

    private MemoryPolicy Build()
    {
        var policy = _build(InputWidth);
        policy.Capacity = _slots;
        return policy;
    }

    private static PolicyFinding Judge(string name, Finding find)
    {
        using var scope = NewDisposeScope();
        try
        {
            return new PolicyFinding(name, true, find());
        }
        catch (NtmLabException fault)
        {
            return new PolicyFinding(name, false, fault.Message);
        }
        catch (Exception fault)
        {
            // A policy is foreign code: whatever it throws is a finding.
            return new PolicyFinding(name, false, $"{fault.GetType().Name}: {fault.Message.Split('\n')[0].TrimEnd('.')}.");
        }
    }

    private string Shapes()
    {
        EachMagnitude(script =>
        {
            script.NeedStateSize();
            script.Play();
        });
        var figures = $"decisions and state over {Steps} steps";
        if (_options is not { } options)
        {
            return figures;
        }

        var other = options with { ReadHeads = options.ReadHeads + 1, Slots = options.Slots + 2, Width = options.Width + 1 };
        if (!Accepts(other))
        {
            return figures;
        }

        // Sizes that agree by chance agree at one size only.
        using var noGradient = no_grad();
        var check = new PolicyCheck(other);
        foreach (var batch in (ReadOnlySpan<int>)[1, Batch + 1])
        {
            using var scope = NewDisposeScope();
            new Script(check, magnitude: 1, batch, ScalarType.Float64, Steps).Play();
        }

        return $"over {Steps} steps, {options.ReadHeads} and {other.ReadHeads} read heads";
    }

    private string Weightings()
    {
        var greatest = 0.0;
        EachMagnitude(script =>
        {
            foreach (var step in script.Play())
            {
                // A head that adds nothing may erase as many slots as it wants.
                var adds = step.Write.Add.ne(Constants.Zero).any(-1).to(step.Write.Weighting.dtype);
                NeedWeights("read", step.Read.Weighting, step.Read.Weighting.sum(-1));
                NeedWeights("write", step.Write.Weighting, step.Write.Weighting.sum(-1) * adds);
            }
        });
        return $"finite, not negative, sums of at most {greatest:G4}";

        void NeedWeights(string kind, Tensor weighting, Tensor sums)
        {
            if (weighting.numel() == 0)
            {
                return;
            }

            var (least, most, sum) = (Least(weighting), Most(weighting), Most(sums));
            Need(least >= -Rounding, $"a {kind} weighting holds a negative weight, {least:G3}");
            Need(sum <= 1 + 1e-6, $"a {kind} weighting sums to {sum:G6}; at most 1 is accepted");
            Need(most <= 1 + 1e-6, $"a {kind} weighting holds a weight of {most:G6}; at most 1 is accepted");
            greatest = Math.Max(greatest, sum);
        }
    }

    private string EraseVectors()
    {
        EachMagnitude(script =>
        {
            foreach (var step in script.Play())
            {
                var (least, most) = (Least(step.Write.Erase), Most(step.Write.Erase));
                Need(least >= -Rounding && most <= 1 + Rounding, $"an erase vector reaches from {least:G3} to {most:G3}; 0 to 1 is accepted");
            }
        });
        return "from 0 to 1";
    }

    /// <summary>
    /// Autograd against central differences at two distances. Where these disagree with each other, a choice of the policy changed
    /// in between, and there is no derivative to compare with.
    /// </summary>
    private string Gradients()
    {
        const int points = 30;
        var script = new Script(this, magnitude: 1, Batch, ScalarType.Float64, steps: 4);
        var variables = new[] { ("interface values", script.Values), ("memory", script.Memory) }
            .Where(variable => variable.Item2.numel() > 0)
            .ToList();
        foreach (var (_, variable) in variables)
        {
            variable.requires_grad_(true);
        }

        Tensor Outcome()
        {
            var played = script.Play();
            var terms = played.Select((step, t) => (step.Reads * Weights(step.Reads, t)).sum());
            var reads = terms.Aggregate((sum, term) => sum + term);
            return played[^1].Price is { } price ? reads + (price * Weights(price, Steps)).sum() : reads;
        }

        Outcome().backward();
        var (compared, skipped) = (0, 0);
        foreach (var (name, variable) in variables)
        {
            var gradient = variable.grad is { } found ? found.contiguous().data<double>().ToArray() : new double[variable.numel()];
            using var noGradient = no_grad();
            var flat = variable.detach().view(-1);
            for (var i = 0; i < points; i++)
            {
                var place = _random.Next(gradient.Length);
                double Difference(double distance)
                {
                    using var scope = NewDisposeScope();
                    var original = flat[place].clone();
                    double At(double x)
                    {
                        flat[place].copy_(original + tensor(x));
                        return Outcome().item<double>();
                    }

                    var slope = (At(distance) - At(-distance)) / (2 * distance);
                    flat[place].copy_(original);
                    return slope;
                }

                var (near, far) = (Difference(1e-6), Difference(4e-6));
                var tolerance = 1e-6 + (1e-4 * Math.Abs(near));
                if (Math.Abs(near - far) > tolerance)
                {
                    skipped++;
                    continue;
                }

                compared++;
                Need(
                    Math.Abs(near - gradient[place]) <= tolerance,
                    $"of the {name}, value {place}: autograd gives {gradient[place]:G6}, differences {near:G6}");
            }
        }

        Need(compared > 0, $"all {skipped} values lie at a jump, so that no gradient could be compared");
        return $"{compared} values like finite differences" + (skipped > 0 ? $", {skipped} at a jump left out" : "");
    }

    private string BatchIndependence()
    {
        EachMagnitude(script =>
        {
            var together = script.Play();
            for (var sequence = 0; sequence < Batch; sequence++)
            {
                var alone = script.Only(sequence).Play();
                for (var t = 0; t < Steps; t++)
                {
                    var difference = Difference(alone[t].Reads, together[t].Reads.narrow(0, sequence, 1));
                    Need(
                        difference <= NeighbourRounding,
                        $"sequence {sequence} reads otherwise among neighbours than alone, by {difference:G3} in step {t + 1}");
                    if (alone[t].Price is { } price && together[t].Price is { } prices)
                    {
                        difference = Difference(price, prices.narrow(0, sequence, 1));
                        Need(
                            difference <= NeighbourRounding,
                            $"sequence {sequence} has another price among neighbours than alone, by {difference:G3} in step {t + 1}");
                    }
                }
            }
        });
        return "a sequence alone is as among neighbours";
    }

    private string SaveAndRestore()
    {
        EachMagnitude(script =>
        {
            var whole = script.Play();
            var half = Steps / 2;
            var (memory, state) = (whole[half - 1].Memory, whole[half - 1].State);

            // Of another policy object and its own first state: nothing may be hidden in those that were played.
            var other = script.Anew();
            var kept = other.Start().With([.. state.Tensors.Select(part => part.clone())]);
            var rest = other.Play(half, memory.clone(), kept);
            NeedSame(rest, whole[half..], half, "goes on otherwise from a state that was kept");
        });
        return "goes on from a kept state, bit for bit";
    }

    private string Determinism()
    {
        EachMagnitude(script =>
        {
            NeedSame(script.Play(), script.Play(), 0, "the same values do not give the same a second time");
        });
        return "the same values give the same bits";
    }

    private string SinglePrecision()
    {
        foreach (var magnitude in Magnitudes)
        {
            var step = new Script(this, magnitude, Batch, ScalarType.Float32, Steps).Play()[^1];
            foreach (var (name, value) in new[]
            {
                ("read weighting", step.Read.Weighting), ("write weighting", step.Write.Weighting),
                ("erase vectors", step.Write.Erase), ("add vectors", step.Write.Add),
            })
            {
                Need(value.dtype == ScalarType.Float32, $"the {name} of a float32 memory is {value.dtype}");
            }
        }

        return "float32 stays float32";
    }

    /// <summary>Options may want more slots than the policy does: a budget of saves, so many nearest slots.</summary>
    private string FewestSlots()
    {
        int least;
        using (var policy = Build())
        {
            least = policy.LeastSlots;
        }

        while (_options is not null && least < _slots && !Accepts(_options with { Slots = least }))
        {
            least++;
        }

        var few = _options is null ? new PolicyCheck(_build, least) : new PolicyCheck(_options with { Slots = least });
        new Script(few, magnitude: 1, Batch, ScalarType.Float64, Steps).Play();
        return $"works with {least}";
    }

    private static bool Accepts(MemoryModelOptions options)
    {
        try
        {
            options.Validate();
            return true;
        }
        catch (ConfigurationException)
        {
            return false;
        }
    }

    private void EachMagnitude(Action<Script> look)
    {
        using var noGradient = no_grad();
        foreach (var magnitude in Magnitudes)
        {
            using var scope = NewDisposeScope();
            look(new Script(this, magnitude, Batch, ScalarType.Float64, Steps));
        }
    }

    private static void Need(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new PolicyException(otherwise + ".");
        }
    }

    /// <summary>Requires the same reads and, at the end, the same state, bit for bit.</summary>
    private static void NeedSame(IReadOnlyList<Played> played, IReadOnlyList<Played> wanted, int from, string otherwise)
    {
        for (var t = 0; t < wanted.Count; t++)
        {
            var difference = Difference(played[t].Reads, wanted[t].Reads);
            Need(difference == 0, $"{otherwise}: reads differ by {difference:G3} in step {from + t + 1}");
        }

        var (last, known) = (played[^1].State, wanted[^1].State.Tensors.ToArray());
        foreach (var (i, part) in last.Tensors.Index())
        {
            var difference = Difference(part, known[i]);
            Need(difference == 0, $"{otherwise}: {PartName(last, i)} differs by {difference:G3} after step {from + wanted.Count}");
        }
    }

    /// <summary>What a message calls a tensor of a state.</summary>
    private static string PartName(PolicyState state, int i) =>
        state is NamedState named ? $"state '{named.Names.ElementAt(i)}'" : $"tensor {i + 1} of the state";

    private static double Least(Tensor values) => values.min().to(ScalarType.Float64).item<double>();

    private static double Most(Tensor values) => values.max().to(ScalarType.Float64).item<double>();

    private static double Difference(Tensor a, Tensor b) =>
        a.numel() == 0 ? 0 : Most((a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs());

    /// <summary>An uneven sum, so that errors of different values cannot cancel.</summary>
    private static Tensor Weights(Tensor like, int step)
    {
        var weights = new double[like.numel()];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = 1.5 + Math.Cos((0.7 * i) + step);
        }

        return tensor(weights, like.shape);
    }

    private double[] Draw(long count, double magnitude)
    {
        var values = new double[count];
        foreach (ref var value in values.AsSpan())
        {
            value = _random.NextUniform(-magnitude, magnitude);
        }

        return values;
    }
}
