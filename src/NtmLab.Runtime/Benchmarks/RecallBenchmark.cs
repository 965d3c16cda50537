using NtmLab.Kernels;

namespace NtmLab.Benchmarks;

/// <summary>
/// The approximate index of a sparse memory against looking at every slot: slots of width 20, 4 of them asked for, contents and
/// queries alike. <c>random</c>: each value uniform within [-1, 1]; <c>clustered</c>: so many centres as there are hundreds of slots,
/// each value off by a uniform number within [-0.3, 0.3].
/// </summary>
public static class RecallBenchmark
{
    private const int Width = 20;
    private const int Nearest = 4;
    private const int Queries = 300;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="slots">The numbers of slots, 100 or more each.</param>
    /// <exception cref="ConfigurationException">A number is out of range, or the index cannot be used on this machine.</exception>
    public static IReadOnlyList<RecallCost> Run(IReadOnlyList<int> slots)
    {
        foreach (var count in slots)
        {
            Require.AtLeast("bench: --slots", count, 100);
        }

        if (SlotIndexLibrary.Fault is { } fault)
        {
            throw new ConfigurationException($"bench recall: the approximate index cannot be used on this machine: {fault.TrimEnd('.')}.");
        }

        return [.. slots.SelectMany(count => new[]
        {
            new RecallCost("random", Measure(count, 0)),
            new RecallCost("clustered", Measure(count, count / 100)),
        })];
    }

    private static IndexCost Measure(int slots, int centres)
    {
        var random = new RandomStream(1, "bench: recall");
        var centre = new float[centres * Width];
        foreach (ref var value in centre.AsSpan())
        {
            value = (float)random.NextUniform(-1, 1);
        }

        void Draw(Span<float> row)
        {
            var first = centres == 0 ? 0 : random.Next(centres) * Width;
            for (var m = 0; m < row.Length; m++)
            {
                row[m] = centres == 0
                    ? (float)random.NextUniform(-1, 1)
                    : centre[first + m] + (float)random.NextUniform(-0.3, 0.3);
            }
        }

        return IndexMeasurement.Run(slots, Width, Nearest, Queries, replaced: Math.Min(slots, 20_000), Draw);
    }
}

/// <summary>What the index costs and finds with one kind of contents.</summary>
/// <param name="Contents"><c>random</c> or <c>clustered</c>.</param>
/// <param name="Cost">What was measured.</param>
public sealed record RecallCost(string Contents, IndexCost Cost);
