using NtmLab.Configuration;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Keeps a uniform sample of all vectors (Vitter 1985, algorithm R): the first N are saved; the t-th after them replaces one of the
/// slots, drawn at random, with probability N / t. The draws depend on nothing but the sequence's own inputs: each step's input is
/// mixed into a number that opens the step's random stream, so that a sequence is sampled alike whatever its neighbours.
/// </summary>
/// <param name="options">The sizes.</param>
[CatalogName("reservoir", "Keeps a uniform random sample of all vectors (Vitter 1985).")]
public sealed class ReservoirPolicy(ReservoirOptions options) : KeepingPolicy("reservoir", options)
{
    /// <summary>The part of the state that stands for all inputs so far: whole numbers below 2^24, which float32 and float64 hold.</summary>
    private const string Seen = "seen";

    private const ulong SeenLimit = 1 << 24;

    /// <inheritdoc/>
    public override PolicyState Observe(Tensor input, PolicyState state)
    {
        using var scope = NewDisposeScope();
        var current = (NamedState)state;
        var seen = current[Seen];
        var inputs = input.detach().to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
        var mixed = seen.detach().to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
        var width = (int)input.shape[1];
        for (var sequence = 0; sequence < mixed.Length; sequence++)
        {
            var key = (ulong)mixed[sequence];
            foreach (var value in inputs.AsSpan(sequence * width, width))
            {
                key = (key * 0x9E3779B97F4A7C15UL) ^ (ulong)BitConverter.SingleToInt32Bits((float)value);
            }

            mixed[sequence] = new RandomStream(key, "reservoir: seen").NextBits() % SeenLimit;
        }

        return current.Set(
            Seen, tensor(mixed, seen.shape, seen.dtype, seen.device).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Tensor Value)> StartMore(Zeros zeros, long slots) =>
        [(Seen, zeros(1)), ("offers", zeros(1))];

    /// <inheritdoc/>
    protected override (Tensor Place, NamedState State) Save(Offered offered)
    {
        var state = offered.State;
        var slots = state[NamedState.StrengthName].shape[1];
        var (seen, offers) = (Numbers(state[Seen]), Numbers(state["offers"]));
        var slot = new double[seen.Length];
        var saved = new double[seen.Length];
        for (var sequence = 0; sequence < seen.Length; sequence++)
        {
            var before = (long)offers[sequence];
            var drawn = before < slots
                ? before
                : new RandomStream((ulong)seen[sequence], "reservoir: slot", (ulong)before).NextInt64(before + 1);
            saved[sequence] = drawn < slots ? 1 : 0;
            slot[sequence] = Math.Min(drawn, slots - 1);
        }

        Tensor Column(double[] values) => tensor(values, [values.Length, 1], offered.Ones.dtype, offered.Ones.device);
        return SaveAt(state.Set("offers", state["offers"] + offered.Ones), Column(slot), Column(saved));
    }

    /// <summary>What was offered: a vector that was not saved had its draw among all slots, too.</summary>
    /// <param name="state">The state.</param>
    protected override Tensor Turns(NamedState state) => state["offers"];

    private static double[] Numbers(Tensor column)
    {
        using var scope = NewDisposeScope();
        return column.detach().to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }
}
