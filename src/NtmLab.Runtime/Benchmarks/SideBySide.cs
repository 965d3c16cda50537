using System.Diagnostics;
using static TorchSharp.torch;

namespace NtmLab.Benchmarks;

/// <summary>
/// Two implementations of the same training step, side by side: first both must give the same loss and gradients; then they
/// are timed in turn, so that what disturbs the machine disturbs both.
/// </summary>
/// <param name="FusedMs">Milliseconds of the fused engine, median.</param>
/// <param name="ReferenceMs">Milliseconds of the reference, median.</param>
/// <param name="Ratio">Reference / fused: the median over the repeats of the ratio of neighbouring times.</param>
/// <param name="GreatestDifference">By how much losses and gradients differ, relative to each one's greatest value.</param>
/// <param name="Repeats">Times that the reference was measured.</param>
internal sealed record SideBySide(
    double FusedMs, double ReferenceMs, double Ratio, double GreatestDifference, int Repeats)
{
    /// <summary>The greatest difference that is accepted.</summary>
    public const double Tolerance = 2e-3;

    /// <summary>Measures.</summary>
    /// <param name="name">Whose benchmark, for the message.</param>
    /// <param name="fused">A step of the fused engine.</param>
    /// <param name="reference">The same step of the reference.</param>
    /// <param name="repeats">Times the reference is measured; 0 chooses by the time that it takes.</param>
    /// <exception cref="BenchmarkException">They disagree.</exception>
    public static SideBySide Measure(
        string name, Func<TrainingStep> fused, Func<TrainingStep> reference, int repeats)
    {
        var first = reference().WithGradients();
        var once = fused().WithGradients();
        var worst = once.DifferenceFrom(first);
        if (!(worst <= Tolerance))
        {
            throw new BenchmarkException(
                $"{name}: the engines disagree by {worst:G3} of the greatest gradient; at most {Tolerance:G3} is accepted.");
        }

        if (repeats == 0)
        {
            repeats = Math.Clamp((int)(20 / Math.Max(first.Milliseconds / 1000, 1e-3)), 3, 21);
        }

        WarmUp(() => once = fused());
        var inner = Math.Clamp((int)(200 / Math.Max(once.Milliseconds, 0.1)), 1, 1000);
        List<double> fusedTimes = [], referenceTimes = [], ratios = [];
        for (var i = 0; i < repeats; i++)
        {
            fused();
            List<double> times = [.. Enumerable.Range(0, inner).Select(_ => fused().Milliseconds)];
            referenceTimes.Add(reference().Milliseconds);
            ratios.Add(referenceTimes[^1] / Median(times));
            fusedTimes.AddRange(times);
        }

        return new SideBySide(Median(fusedTimes), Median(referenceTimes), Median(ratios), worst, repeats);
    }

    /// <summary>
    /// Repeats a step: the just-in-time compiler improves what is called often, in the background, and should be done before
    /// times are taken.
    /// </summary>
    public static void WarmUp(Action step)
    {
        const int milliseconds = 2500;
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < milliseconds)
        {
            step();
        }
    }

    /// <summary>The middle value.</summary>
    public static double Median(List<double> values)
    {
        List<double> sorted = [.. values.Order()];
        return sorted.Count % 2 == 1
            ? sorted[sorted.Count / 2]
            : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}

/// <summary>One forward and backward pass: how long it took, and what came out.</summary>
/// <param name="Milliseconds">Forward, loss and backward.</param>
/// <param name="Loss">The loss.</param>
/// <param name="Parameters">The parameters that got gradients.</param>
/// <param name="Gradients">Copies of their gradients; empty until <see cref="WithGradients"/>, as copying disturbs the cache.</param>
internal sealed record TrainingStep(
    double Milliseconds, float Loss, IReadOnlyList<Tensor> Parameters, IReadOnlyList<float[]> Gradients)
{
    /// <summary>Takes the time of a step.</summary>
    /// <param name="parameters">The parameters that get gradients.</param>
    /// <param name="loss">The forward pass with its loss.</param>
    public static TrainingStep Take(IReadOnlyList<Tensor> parameters, Func<Tensor> loss)
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in parameters)
        {
            parameter.grad?.zero_();
        }

        var start = Stopwatch.GetTimestamp();
        var value = loss();
        value.backward();
        var milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return new TrainingStep(milliseconds, value.item<float>(), parameters, []);
    }

    /// <summary>With the gradients as they are now, before another step.</summary>
    public TrainingStep WithGradients() =>
        this with { Gradients = [.. Parameters.Select(parameter => parameter.grad?.data<float>().ToArray() ?? [])] };

    /// <summary>The greatest difference from another, relative to the greatest value of each gradient.</summary>
    public double DifferenceFrom(TrainingStep other)
    {
        var worst = Math.Abs(Loss - other.Loss) / Math.Max((double)Math.Abs(other.Loss), 1e-12);
        foreach (var (x, y) in Gradients.Zip(other.Gradients))
        {
            var greatest = y.Max(Math.Abs) + 1e-12;
            worst = Math.Max(worst, x.Zip(y).Max(pair => Math.Abs((double)pair.First - pair.Second)) / greatest);
        }

        return worst;
    }
}
