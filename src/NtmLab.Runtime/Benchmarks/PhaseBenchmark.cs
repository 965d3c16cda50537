using System.Diagnostics;
using NtmLab.Kernels;
using NtmLab.Models;
using NtmLab.Tasks;
using NtmLab.Training;
using static TorchSharp.torch;

namespace NtmLab.Benchmarks;

/// <summary>
/// Where the time of a training step goes: the phases of the fused engine, and around them what libtorch, the optimiser and
/// the task take; the copy task at the paper's sizes, one thread.
/// </summary>
public static class PhaseBenchmark
{
    private const int Sequences = 3000;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="length">Vectors to copy.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    public static PhaseBenchmarkResult Run(int batch, int length)
    {
        Require.AtLeast("bench: --batch", batch, 1);
        Require.AtLeast("bench: --length", length, 1);
        set_num_threads(1);
        var task = new CopyTask();
        using var model = (MemoryModel)new NtmOptions().Build(
            task.InputWidth(), task.OutputWidth(), new RandomStream(1, "model"));
        var named = model.named_parameters().Select(parameter => (parameter.name, parameter.parameter));
        using var optimiser = new RmsProp(named, new RmsPropOptions { LearningRate = 1e-6 }, clip: 10);
        var clock = new PhaseClock();
        model.Fuse(new KernelOptions { Clock = clock });
        var random = new RandomStream(1, "bench");
        var around = new TimeSpan[4];

        SideBySide.WarmUp(() => Step(model, task, optimiser, random, batch, length, around));
        clock.Reset();
        Array.Clear(around);
        var repeats = Math.Max(10, Sequences * 41 / ((2 * length) + 1) / batch);
        for (var i = 0; i < repeats; i++)
        {
            Step(model, task, optimiser, random, batch, length, around);
        }

        var count = (double)repeats * batch * ((2 * length) + 1);
        var peak = Roofline.Measure();
        var phases = Enum.GetValues<KernelPhase>();
        var kernel = phases.Sum(phase => clock.Of(phase).TotalMicroseconds);
        var total = around[0] + around[1] + around[2] + around[3];
        PhaseCost Cost(string name, double microseconds, double multiplyAdds) => new(
            name,
            microseconds / count,
            microseconds / total.TotalMicroseconds,
            (long)multiplyAdds,
            multiplyAdds / (microseconds / count * 1e-6) / peak.MultiplyAddsPerSecond);

        return new PhaseBenchmarkResult(
            batch,
            length,
            total.TotalMicroseconds / count,
            peak,
            [
                .. phases.Select(phase => Cost(
                    Name(phase), clock.Of(phase).TotalMicroseconds, MultiplyAdds(phase, new NtmOptions(), task))),
                Cost("autograd and loss", around[1].TotalMicroseconds - kernel, 0),
                Cost("optimiser step", around[2].TotalMicroseconds, 0),
                Cost("making the batch", around[0].TotalMicroseconds, 0),
                Cost("score", around[3].TotalMicroseconds, 0),
            ]);
    }

    private static void Step(
        MemoryModel model,
        CopyTask task,
        RmsProp optimiser,
        RandomStream random,
        int batch,
        int length,
        TimeSpan[] around)
    {
        using var scope = NewDisposeScope();
        var start = Stopwatch.GetTimestamp();
        using var sequences = task.Generate(random, batch, length);
        var made = Stopwatch.GetTimestamp();
        var logits = model.Forward(sequences.Input);
        task.Loss(logits, sequences).backward();
        var computed = Stopwatch.GetTimestamp();
        optimiser.Step();
        var moved = Stopwatch.GetTimestamp();
        task.Score(logits, sequences);
        around[0] += Stopwatch.GetElapsedTime(start, made);
        around[1] += Stopwatch.GetElapsedTime(made, computed);
        around[2] += Stopwatch.GetElapsedTime(computed, moved);
        around[3] += Stopwatch.GetElapsedTime(moved);
    }

    private static string Name(KernelPhase phase) => phase switch
    {
        KernelPhase.Packing => "laying out the weights",
        KernelPhase.Copying => "copying states and inputs",
        KernelPhase.Controller => "controller",
        KernelPhase.Interface => "interface",
        KernelPhase.Addressing => "addressing",
        KernelPhase.Memory => "write and read",
        KernelPhase.Logits => "logits",
        KernelPhase.Again => "memory part again",
        KernelPhase.LogitsBackward => "logits, backward",
        KernelPhase.MemoryBackward => "write, read and similarity, backward",
        KernelPhase.AddressingBackward => "addressing, backward",
        KernelPhase.InterfaceBackward => "interface, backward",
        KernelPhase.ControllerBackward => "controller, backward",
        KernelPhase.WeightGradients => "gradients of the weights",
        _ => "adding the groups' gradients",
    };

    /// <summary>Multiply-adds of one step of one sequence; 0 for what mostly copies.</summary>
    private static double MultiplyAdds(KernelPhase phase, NtmOptions options, CopyTask task)
    {
        double units = options.Controller.Units, gates = 4 * units, reads = options.ReadHeads * options.Width;
        double heads = options.ReadHeads + options.WriteHeads, cells = (double)options.Slots * options.Width;
        double inputs = task.InputWidth(), outputs = task.OutputWidth();
        var size = (heads * (options.Width + options.ShiftWidth + 3)) + (2 * options.WriteHeads * options.Width);
        var controller = gates * (inputs + reads + units);
        return phase switch
        {
            KernelPhase.Controller => controller,
            KernelPhase.Interface or KernelPhase.InterfaceBackward => units * size,
            KernelPhase.Addressing => heads * cells,
            KernelPhase.Memory => (3 * options.WriteHeads * cells) + (options.ReadHeads * cells),
            KernelPhase.Logits => (units + reads) * outputs,
            KernelPhase.Again => (heads + (3 * options.WriteHeads)) * cells,
            KernelPhase.LogitsBackward => 2 * (units + reads) * outputs,
            KernelPhase.MemoryBackward => ((4 * options.WriteHeads) + options.ReadHeads + (3 * heads)) * cells,
            KernelPhase.ControllerBackward => gates * (reads + units),
            KernelPhase.WeightGradients => controller + (units * size),
            _ => 0,
        };
    }
}

/// <summary>Where the time of a training step goes.</summary>
/// <param name="Batch">Sequences in the batch.</param>
/// <param name="Length">Vectors to copy.</param>
/// <param name="MicrosecondsPerStep">Microseconds of one step of one sequence, all told.</param>
/// <param name="Roofline">What one core of this machine can do at most, measured in the same run.</param>
/// <param name="Phases">The phases.</param>
public sealed record PhaseBenchmarkResult(
    int Batch, int Length, double MicrosecondsPerStep, Roofline Roofline, IReadOnlyList<PhaseCost> Phases);

/// <summary>What one phase costs.</summary>
/// <param name="Name">The phase.</param>
/// <param name="MicrosecondsPerStep">Microseconds for one step of one sequence.</param>
/// <param name="Share">Its share of the whole.</param>
/// <param name="MultiplyAdds">Multiply-adds of one step of one sequence; 0 where there are hardly any.</param>
/// <param name="FractionOfPeak">Of the multiply-adds that the core could have done in that time.</param>
public sealed record PhaseCost(
    string Name, double MicrosecondsPerStep, double Share, long MultiplyAdds, double FractionOfPeak);
