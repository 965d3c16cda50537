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
    public static BenchmarkResult Run(int batch, int length, int threads, int repeats = 0) =>
        EngineBenchmark.Run(new NtmOptions(), batch, length, threads, repeats);

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
            SideBySide.WarmUp(() => EngineBenchmark.Step(model, task, sequences));
            var repeats = Math.Clamp(30_000 / wanted, 3, 101);
            var milliseconds = SideBySide.Median(
                [.. Enumerable.Range(0, repeats).Select(_ => EngineBenchmark.Step(model, task, sequences).Milliseconds)]);
            var count = (2 * (wanted / 2)) + 1;
            costs.Add(new LengthCost(count, milliseconds, 1000 * milliseconds / count, model.WorkspaceBytes));
        }

        return costs;
    }
}

/// <summary>What a sequence of some length costs.</summary>
/// <param name="Steps">Time steps.</param>
/// <param name="Milliseconds">Forward, loss and backward.</param>
/// <param name="MicrosecondsPerStep">The same per step.</param>
/// <param name="PeakBytes">Workspace of the fused engine.</param>
public sealed record LengthCost(int Steps, double Milliseconds, double MicrosecondsPerStep, long PeakBytes);
