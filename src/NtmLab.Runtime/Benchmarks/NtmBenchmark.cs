using NtmLab.Kernels;
using NtmLab.Models;
using NtmLab.Tasks;
using static TorchSharp.torch;

namespace NtmLab.Benchmarks;

/// <summary>
/// The fused engine of the NTM side by side with the reference engine: forward, loss and backward of one batch of the copy
/// task at the paper's sizes. First both must give the same loss and gradients; then they are timed in turn.
/// </summary>
public static class NtmBenchmark
{
    /// <summary>Runs the benchmark.</summary>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="length">Vectors to copy; the sequences have twice as many steps and one.</param>
    /// <param name="threads">Threads of the fused engine and of libtorch.</param>
    /// <param name="repeats">Times each engine is measured, in turn; 0 chooses by the time that they take.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    /// <exception cref="BenchmarkException">The engines disagree.</exception>
    public static BenchmarkResult Run(int batch, int length, int threads, int repeats = 0)
    {
        Require.AtLeast("bench: --batch", batch, 1);
        Require.AtLeast("bench: --length", length, 1);
        Require.AtLeast("bench: --threads", threads, 1);
        Require.AtLeast("bench: --repeats", repeats, 0);
        var task = new CopyTask();
        using var model = new NtmOptions().Build(
            task.InputWidth(), task.OutputWidth(), new RandomStream(1, "model"));
        using var sequences = task.Generate(new RandomStream(1, "bench"), batch, length);

        TrainingStep Reference()
        {
            if (model.IsFused)
            {
                model.StopFusing();
                set_num_threads(threads);
            }

            return Step(model, task, sequences);
        }

        TrainingStep Fused()
        {
            if (!model.IsFused)
            {
                model.Fuse(threads);

                // As in a run: libtorch's waiting threads would take the cores from the engine's own.
                set_num_threads(1);
            }

            return Step(model, task, sequences);
        }

        var sides = SideBySide.Measure("bench ntm", Fused, Reference, repeats);
        Fused();
        var steps = (2L * length) + 1;
        var multiplyAdds = 3.0 * model.MultiplyAddsPerStep * steps * batch;
        var peak = Roofline.Measure().MultiplyAddsPerSecond * Math.Min(threads, Environment.ProcessorCount);
        return new BenchmarkResult(
            "ntm",
            batch,
            length,
            threads,
            sides.FusedMs,
            sides.ReferenceMs,
            sides.Ratio,
            model.WorkspaceBytes,
            1000 * sides.FusedMs / steps / batch,
            multiplyAdds / (sides.FusedMs / 1000) / peak,
            sides.GreatestDifference,
            sides.Repeats);
    }

    /// <summary>Time and memory of the fused engine alone against the number of steps, one thread, batch 1.</summary>
    /// <param name="steps">The numbers of steps; each is rounded to an odd one, as the copy task has.</param>
    public static IReadOnlyList<LengthCost> ByLength(IReadOnlyList<int> steps)
    {
        set_num_threads(1);
        var task = new CopyTask();
        var costs = new List<LengthCost>();
        foreach (var wanted in steps)
        {
            Require.AtLeast("bench: steps", wanted, 3);
            using var model = new NtmOptions().Build(task.InputWidth(), task.OutputWidth(), new RandomStream(1, "model"));
            using var sequences = task.Generate(new RandomStream(1, "bench"), 1, wanted / 2);
            model.Fuse(1);
            SideBySide.WarmUp(() => Step(model, task, sequences));
            var repeats = Math.Clamp(30_000 / wanted, 3, 101);
            var milliseconds = SideBySide.Median(
                [.. Enumerable.Range(0, repeats).Select(_ => Step(model, task, sequences).Milliseconds)]);
            var count = (2 * (wanted / 2)) + 1;
            costs.Add(new LengthCost(count, milliseconds, 1000 * milliseconds / count, model.WorkspaceBytes));
        }

        return costs;
    }

    private static TrainingStep Step(SequenceModel model, CopyTask task, SequenceBatch sequences) =>
        TrainingStep.Take([.. model.parameters()], () => task.Loss(model.Forward(sequences.Input), sequences));
}

/// <summary>Two engines side by side.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Batch">Sequences in the batch.</param>
/// <param name="Length">Vectors to copy.</param>
/// <param name="Threads">Threads.</param>
/// <param name="FusedMs">Milliseconds of the fused engine, median.</param>
/// <param name="ReferenceMs">Milliseconds of the reference engine, median.</param>
/// <param name="Ratio">Reference / fused.</param>
/// <param name="PeakBytes">Workspace of the fused engine.</param>
/// <param name="MicrosecondsPerStep">Microseconds of the fused engine for one step of one sequence.</param>
/// <param name="FractionOfPeak">Multiply-adds done, of what the cores could do with all operands in registers.</param>
/// <param name="GreatestDifference">By how much the engines' losses and gradients differ, relative.</param>
/// <param name="Repeats">Times the reference engine was measured.</param>
public sealed record BenchmarkResult(
    string Name,
    int Batch,
    int Length,
    int Threads,
    double FusedMs,
    double ReferenceMs,
    double Ratio,
    long PeakBytes,
    double MicrosecondsPerStep,
    double FractionOfPeak,
    double GreatestDifference,
    int Repeats);

/// <summary>What a sequence of some length costs.</summary>
/// <param name="Steps">Time steps.</param>
/// <param name="Milliseconds">Forward, loss and backward.</param>
/// <param name="MicrosecondsPerStep">The same per step.</param>
/// <param name="PeakBytes">Workspace of the fused engine.</param>
public sealed record LengthCost(int Steps, double Milliseconds, double MicrosecondsPerStep, long PeakBytes);
