using NtmLab.Kernels;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// What models have to do, by their own count, how fast this machine does it, and how fast it could at most: the roofline of
/// Williams, Waterman and Patterson (2009), by which a step that does few multiply-adds for each byte waits for its bytes, whatever the
/// machine can compute. One core; the engine that a run would choose.
/// </summary>
public static class CostProbe
{
    /// <summary>Backward passes do about twice the forward pass, in arithmetic and in bytes.</summary>
    private const int TrainingFactor = 3;

    /// <summary>Measures models of the catalogue, untrained, with the needle task.</summary>
    /// <param name="models">Their names.</param>
    /// <param name="options">Batches, lengths and limits.</param>
    /// <param name="starting">Is told each model's name before it is measured.</param>
    /// <exception cref="ConfigurationException">There is no such model, or an option is out of range.</exception>
    public static CostReport Measure(IReadOnlyList<string> models, CostOptions options, Action<string>? starting = null)
    {
        foreach (var name in models)
        {
            ProbedModels.Untrained(name, options.Seed, options.Changes).Dispose();
        }

        return Measure(
            [.. models.Select(name => (name, new Func<SequenceModel>(() => ProbedModels.Untrained(name, options.Seed, options.Changes))))],
            options,
            starting);
    }

    /// <summary>Measures models, with the inputs and targets of the needle task.</summary>
    /// <param name="models">What they are called, and what makes each; they are made one after the other.</param>
    /// <param name="options">Batches, lengths and limits.</param>
    /// <param name="starting">Is told each model's name before it is measured.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public static CostReport Measure(
        IReadOnlyList<(string Name, Func<SequenceModel> Make)> models, CostOptions options, Action<string>? starting = null)
    {
        options.Validate();
        set_num_threads(1);
        var before = Roofline.Measure();
        List<(string Name, SequenceModel Shape, bool Fused, List<Measured> Cells)> found = [];
        try
        {
            foreach (var (name, make) in models)
            {
                starting?.Invoke(name);
                var model = make();
                var fused = model.CanFuse;
                found.Add((name, model, fused, []));
                if (fused)
                {
                    model.Fuse(1);
                }

                found[^1].Cells.AddRange(Cells(model, options));
                model.StopFusing();
            }

            var roof = Better(before, Roofline.Measure());
            return new CostReport(
                roof,
                [
                    .. found.Select(one => new ModelCost(
                        one.Name,
                        one.Shape.ParameterCount,
                        one.Shape.StateSize,
                        one.Fused,
                        [.. one.Cells.Select(cell => Held(cell, roof))])),
                ]);
        }
        finally
        {
            found.ForEach(one => one.Shape.Dispose());
        }
    }

    /// <summary>What a model has to do for a batch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="mode">How it is computed.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="length">Steps of each.</param>
    /// <returns>
    /// Of streaming <see cref="SequenceModel.StepTraffic"/>, of training three times <see cref="SequenceModel.ForwardTraffic"/>, and the
    /// multiply-adds likewise.
    /// </returns>
    public static CostWork WorkOf(SequenceModel model, CostMode mode, int batch, int length)
    {
        var (factor, traffic) = mode == CostMode.Training
            ? (TrainingFactor, model.ForwardTraffic(length))
            : (1, model.StepTraffic(length));
        return new CostWork(
            batch, length, factor * (double)batch * model.MultiplyAdds(length), factor * (double)traffic.Bytes(batch));
    }

    /// <summary>A cell held against a roofline.</summary>
    /// <param name="work">What there was to do.</param>
    /// <param name="multiplyAddsPerSecond">What was reached; null if nothing was measured.</param>
    /// <param name="roof">The roofline.</param>
    public static CostRoof RoofOf(CostWork work, double? multiplyAddsPerSecond, Roofline roof)
    {
        var cache = work.Attainable(roof.MultiplyAddsPerSecond, roof.CacheBytesPerSecond);
        var memory = work.Attainable(roof.MultiplyAddsPerSecond, roof.MemoryBytesPerSecond);
        return new CostRoof(cache, memory, multiplyAddsPerSecond / cache, multiplyAddsPerSecond / memory);
    }

    private static IEnumerable<Measured> Cells(SequenceModel model, CostOptions options)
    {
        using var timing = new CostTiming(model, options);
        foreach (var mode in Enum.GetValues<CostMode>())
        {
            foreach (var batch in options.Batches)
            {
                foreach (var length in options.Lengths)
                {
                    var (seconds, leftOut) = timing.Measure(mode, batch, length);
                    yield return new Measured(mode, WorkOf(model, mode, batch, length), seconds, leftOut);
                }
            }
        }
    }

    private static CostCell Held(Measured cell, Roofline roof)
    {
        var time = cell.Seconds.Count == 0 ? null : TimeOf(cell.Work, cell.Seconds);
        return new CostCell(cell.Mode, cell.Work, time, RoofOf(cell.Work, time?.MultiplyAddsPerSecond, roof), cell.LeftOut);
    }

    private static CostTime TimeOf(CostWork work, IReadOnlyList<double> seconds)
    {
        var median = Benchmarks.SideBySide.Median([.. seconds]);
        return new CostTime(median, seconds.Count, work.Steps / median, work.MultiplyAdds / median);
    }

    /// <summary>What disturbs a measurement only ever slows it.</summary>
    private static Roofline Better(Roofline a, Roofline b) => new(
        Math.Max(a.MultiplyAddsPerSecond, b.MultiplyAddsPerSecond),
        Math.Max(a.CacheBytesPerSecond, b.CacheBytesPerSecond),
        Math.Max(a.MemoryBytesPerSecond, b.MemoryBytesPerSecond));

    private sealed record Measured(CostMode Mode, CostWork Work, IReadOnlyList<double> Seconds, string? LeftOut);
}
