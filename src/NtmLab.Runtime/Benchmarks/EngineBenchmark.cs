using NtmLab.Kernels;
using NtmLab.Models;
using NtmLab.Tasks;
using static TorchSharp.torch;

namespace NtmLab.Benchmarks;

/// <summary>
/// The fused engine of a model side by side with the reference engine: forward, loss and backward of one batch of the copy
/// task. First both must give the same loss and gradients; then they are timed in turn.
/// </summary>
internal static class EngineBenchmark
{
    /// <summary>Runs the benchmark.</summary>
    /// <param name="options">The model.</param>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="length">Vectors to copy; the sequences have twice as many steps and one.</param>
    /// <param name="threads">Threads of the fused engine and of libtorch.</param>
    /// <param name="repeats">Times each engine is measured, in turn; 0 chooses by the time that they take.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    /// <exception cref="BenchmarkException">The engines disagree.</exception>
    public static BenchmarkResult Run(ModelOptions options, int batch, int length, int threads, int repeats)
    {
        Require.AtLeast("bench: --batch", batch, 1);
        Require.AtLeast("bench: --length", length, 1);
        Require.AtLeast("bench: --threads", threads, 1);
        Require.AtLeast("bench: --repeats", repeats, 0);
        var task = new CopyTask();
        using var model = options.Build(task.InputWidth(), task.OutputWidth(), new RandomStream(1, "model"));
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

        var sides = SideBySide.Measure($"bench {model.GetName()}", Fused, Reference, repeats);
        Fused();
        var steps = (2L * length) + 1;
        var multiplyAdds = 3.0 * model.MultiplyAddsPerStep * steps * batch;
        var peak = Roofline.Measure().MultiplyAddsPerSecond * Math.Min(threads, Environment.ProcessorCount);
        return new BenchmarkResult(
            model.GetName(),
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

    /// <summary>A training step without the optimiser.</summary>
    public static TrainingStep Step(SequenceModel model, CopyTask task, SequenceBatch sequences) =>
        TrainingStep.Take([.. model.parameters()], () => task.Loss(model.Forward(sequences.Input), sequences));
}
