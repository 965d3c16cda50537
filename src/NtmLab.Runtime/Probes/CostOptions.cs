namespace NtmLab.Probes;

/// <summary>What a <see cref="CostProbe"/> measures.</summary>
public sealed record CostOptions
{
    /// <summary>Sequences in a batch; each 1 or more.</summary>
    public IReadOnlyList<int> Batches { get; init; } = [1, 16, 64];

    /// <summary>Steps of the sequences; each 3 or more.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [100, 1000, 10_000];

    /// <summary>The most seconds for a cell, four runs of it at the least; a cell that would take longer is left out.</summary>
    public double Seconds { get; init; } = 20;

    /// <summary>The most bytes that a cell may hold for its backward pass; a cell that would hold more is left out.</summary>
    public long Memory { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    /// <summary>What is changed of every model's default options, each e.g. <c>model.units=256</c>.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>Decides parameters and sequences.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public void Validate()
    {
        Require.AtLeast("probe: number of batches", Batches.Count, 1);
        Require.AtLeast("probe: number of lengths", Lengths.Count, 1);
        Require.Positive("probe: --seconds", Seconds);
        foreach (var batch in Batches)
        {
            Require.AtLeast("probe: --batch", batch, 1);
        }

        foreach (var length in Lengths)
        {
            Require.AtLeast("probe: --lengths", length, 3);
        }
    }
}
