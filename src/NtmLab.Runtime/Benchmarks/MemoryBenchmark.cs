using System.Diagnostics;
using NtmLab.Models;
using NtmLab.Native;
using NtmLab.Tasks;
using static TorchSharp.torch;

namespace NtmLab.Benchmarks;

/// <summary>
/// What a training step costs against the number of slots: needle recall of 100 steps, one sequence, one thread, LSTM 100, slots of
/// width 20. Sparse access reads 4 slots in each step; the rivals are the same model computed densely by the reference engine, and
/// the Neural Turing Machine, whose access is dense, by both engines.
/// </summary>
public static class MemoryBenchmark
{
    /// <summary>Slots beyond which the dense rivals need more time and memory than there is.</summary>
    public const int DenseLimit = 65_536;

    private const int Width = 20;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="slots">The numbers of slots, 16 or more each.</param>
    /// <param name="steps">Steps of the sequence, 3 or more.</param>
    /// <param name="denseLimit">The most slots that the dense rivals are measured with.</param>
    /// <param name="warmUp">Milliseconds for which a fused step is repeated before it is measured; a third of them for a dense one.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    public static IReadOnlyList<MemoryCost> Run(
        IReadOnlyList<int> slots, int steps = 100, int denseLimit = DenseLimit, int warmUp = 1500)
    {
        Require.AtLeast("bench: --length", steps, 3);
        foreach (var count in slots)
        {
            Require.AtLeast("bench: --slots", count, 16);
        }

        set_num_threads(1);

        // The compiler improves what it sees often: not while the first number of slots is measured.
        Fused(new SparseOptions { Width = Width }, steps, isFilled: false, warmUp);
        var costs = new List<MemoryCost>();
        foreach (var count in slots)
        {
            using var scope = NewDisposeScope();
            var sparse = new SparseOptions { Slots = count, Width = Width };
            var ntm = new NtmOptions { Slots = count, Width = Width };
            var isDense = count <= denseLimit;
            costs.Add(new MemoryCost(
                count,
                steps,
                Fused(sparse, steps, isFilled: false, warmUp),
                Fused(sparse, steps, isFilled: true, warmUp),
                isDense ? Reference(sparse, steps, warmUp) : null,
                isDense ? Reference(ntm, steps, warmUp) : null,
                isDense ? Fused(ntm, steps, isFilled: false, warmUp) : null));
        }

        return costs;
    }

    /// <summary>The fused engine; what it holds is counted.</summary>
    private static Cost Fused(MemoryModelOptions options, int steps, bool isFilled, int warmUp)
    {
        using var scope = NewDisposeScope();
        var (model, task, batch) = Make(options, steps);
        using var owned = model;
        model.Fuse(1);
        var start = isFilled ? Filled(model, options) : null;
        Tensor Loss() => task.Loss(start is null ? model.Forward(batch.Input) : model.Run(batch.Input, start).Logits, batch);

        var milliseconds = Median(model, Loss, warmUp);
        var state = start is null ? 0 : start.Tensors.Sum(part => part.numel() * sizeof(float));
        return new Cost(milliseconds, model.WorkspaceBytes + state);
    }

    /// <summary>
    /// The reference engine; what its graph holds is taken from the growth of the process at the end of the forward pass.
    /// </summary>
    private static Cost Reference(MemoryModelOptions options, int steps, int warmUp)
    {
        using var scope = NewDisposeScope();
        var (model, task, batch) = Make(options, steps);
        using var owned = model;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        FreedMemory.Return();
        var before = Environment.WorkingSet;
        long grown;
        using (NewDisposeScope())
        {
            var loss = task.Loss(model.Forward(batch.Input), batch);
            grown = Environment.WorkingSet - before;
            loss.backward();
        }

        var milliseconds = Median(model, () => task.Loss(model.Forward(batch.Input), batch), warmUp / 3);
        return new Cost(milliseconds, Math.Max(grown, 0));
    }

    private static (SequenceModel Model, NeedleTask Task, SequenceBatch Batch) Make(MemoryModelOptions options, int steps)
    {
        var task = new NeedleTask { MinLag = 1, MaxLag = steps };
        var model = options.Build(task, new RandomStream(1, "model"));
        return (model, task, task.Generate(new RandomStream(1, "bench"), 1, steps - 2));
    }

    /// <summary>A state in which every slot has contents of its own and was used, the last one last.</summary>
    private static ModelState Filled(SequenceModel model, MemoryModelOptions options)
    {
        using var noGradient = no_grad();
        var random = new RandomStream(1, "bench: contents");
        var start = model.InitialState(1);
        var parts = start.Tensors.Select(part => part.clone()).ToList();
        var memory = parts.Single(part => part.dim() == 3 && part.shape[1] == options.Slots && part.shape[2] == Width);
        foreach (ref var value in TensorMemory.Values(memory))
        {
            value = (float)random.NextUniform(-1, 1);
        }

        return start.With(parts);
    }

    private static double Median(SequenceModel model, Func<Tensor> loss, int warmUp)
    {
        Tensor[] parameters = [.. model.parameters()];
        double Step() => TrainingStep.Take(parameters, loss).Milliseconds;

        var start = Stopwatch.GetTimestamp();
        var once = Step();
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < warmUp)
        {
            once = Step();
        }

        var repeats = (int)Math.Clamp(1500 / once, 3, 51);
        return SideBySide.Median([.. Enumerable.Range(0, repeats).Select(_ => Step())]);
    }
}

/// <summary>What one training step costs with some number of slots.</summary>
/// <param name="Slots">The number of slots.</param>
/// <param name="Steps">Time steps.</param>
/// <param name="Sparse">Sparse access, fused, from a blank memory.</param>
/// <param name="SparseFilled">The same from a memory in which every slot holds something else.</param>
/// <param name="SparseReference">The same model computed densely by the reference engine; null where too large.</param>
/// <param name="Ntm">The Neural Turing Machine by the reference engine; null where too large.</param>
/// <param name="NtmFused">The Neural Turing Machine by the fused engine; null where too large.</param>
public sealed record MemoryCost(
    int Slots,
    int Steps,
    Cost Sparse,
    Cost SparseFilled,
    Cost? SparseReference,
    Cost? Ntm,
    Cost? NtmFused)
{
    /// <summary>How many times longer the same model takes densely.</summary>
    public double? TimeRatio => SparseReference?.Milliseconds / Sparse.Milliseconds;

    /// <summary>How many times more memory the same model takes densely.</summary>
    public double? MemoryRatio => SparseReference is { } dense ? dense.Bytes / (double)Sparse.Bytes : null;
}

/// <summary>Time and memory of a training step.</summary>
/// <param name="Milliseconds">Forward, loss and backward, median.</param>
/// <param name="Bytes">What is held for it beside parameters, input and output.</param>
public sealed record Cost(double Milliseconds, long Bytes);
