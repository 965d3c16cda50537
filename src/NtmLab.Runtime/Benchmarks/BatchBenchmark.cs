using System.Diagnostics;
using NtmLab.Configuration;
using NtmLab.Models;
using NtmLab.Tasks;
using static TorchSharp.torch;

namespace NtmLab.Benchmarks;

/// <summary>
/// What it costs to draw a training batch, against one training step of the fused NTM on it (LSTM 100, 128 x 20, one thread):
/// every task of the catalogue that needs no files, at its defaults and the middle of its training lengths.
/// </summary>
public static class BatchBenchmark
{
    /// <summary>In the warm-up, so that drawing is compiled as well as in a training even where steps are long.</summary>
    private const int DrawsAStep = 10;

    /// <summary>Runs the benchmark on the catalogue.</summary>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="repeats">Times each is measured, in turn; 0 chooses by the time that they take.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    public static IReadOnlyList<BatchCost> Run(int batch, int repeats = 0)
    {
        Require.AtLeast("bench: --batch", batch, 1);
        Require.AtLeast("bench: --repeats", repeats, 0);
        return
        [
            .. from entry in Catalog.Tasks
               let task = (SequenceTask)Activator.CreateInstance(entry.Type)!
               where IsComplete(task)
               select Measure(task, batch, repeats),
        ];
    }

    /// <summary>Measures one task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="repeats">Times each is measured, in turn; 0 chooses by the time that they take.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    public static BatchCost Measure(SequenceTask task, int batch, int repeats = 0)
    {
        Require.AtLeast("bench: --batch", batch, 1);
        Require.AtLeast("bench: --repeats", repeats, 0);
        set_num_threads(1);
        using var outside = NewDisposeScope();
        var range = task.Lengths();
        var length = (range.Shortest + range.Longest) / 2;
        using var model = new NtmOptions().Build(task, new RandomStream(1, "model"));
        Tensor[] parameters = [.. model.parameters()];
        model.Fuse(1);
        var random = new RandomStream(1, "bench");
        SequenceBatch Draw() => task.Generate(new BatchRequest(random, 1, 0, batch, length, HeldOut: false));

        using var sequences = Draw();
        double Step() =>
            TrainingStep.Take(parameters, () => task.Loss(model.Forward(sequences.Input), sequences)).Milliseconds;

        var once = Math.Max(Step(), Step());
        if (repeats == 0)
        {
            repeats = Math.Clamp((int)(3000 / once), 5, 101);
        }

        SideBySide.WarmUp(() =>
        {
            Step();
            for (var i = 0; i < DrawsAStep; i++)
            {
                Time(Draw);
            }
        });
        List<double> draws = [], steps = [], ratios = [];
        for (var i = 0; i < repeats; i++)
        {
            steps.Add(1000 * Step());
            draws.Add(Time(Draw));
            ratios.Add(draws[^1] / steps[^1]);
        }

        return new BatchCost(
            Catalog.NameOf(task.GetType()),
            batch,
            length,
            sequences.Input.shape[1],
            SideBySide.Median(draws),
            SideBySide.Median(steps),
            SideBySide.Median(ratios),
            repeats);
    }

    /// <summary>Whether a task's defaults are all that it needs; one on files wants to be told which.</summary>
    private static bool IsComplete(SequenceTask task)
    {
        try
        {
            task.Validate();
            return true;
        }
        catch (NtmLabException)
        {
            return false;
        }
    }

    /// <summary>Microseconds to draw a batch.</summary>
    private static double Time(Func<SequenceBatch> draw)
    {
        using var scope = NewDisposeScope();
        var start = Stopwatch.GetTimestamp();
        draw();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }
}

/// <summary>What it costs to draw a batch of a task.</summary>
/// <param name="Name">The task.</param>
/// <param name="Batch">Sequences in the batch.</param>
/// <param name="Length">Their length, in the task's own measure.</param>
/// <param name="Steps">Time steps of each.</param>
/// <param name="DrawMicroseconds">Microseconds to draw the batch, median.</param>
/// <param name="StepMicroseconds">Microseconds of forward, loss and backward of the fused NTM on it, median.</param>
/// <param name="Ratio">Draw / step: the median over the repeats of the ratio of neighbouring times.</param>
/// <param name="Repeats">Times that each was measured.</param>
public sealed record BatchCost(
    string Name,
    int Batch,
    int Length,
    long Steps,
    double DrawMicroseconds,
    double StepMicroseconds,
    double Ratio,
    int Repeats);
