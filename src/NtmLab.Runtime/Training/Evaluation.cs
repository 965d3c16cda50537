using NtmLab.Models;
using NtmLab.Tasks;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>Scores a model by sequence length on fresh sequences; the model is in evaluation (<c>eval()</c>) meanwhile.</summary>
public static class Evaluation
{
    /// <summary>Sequences scored at once, of long ones fewer.</summary>
    private const int BatchLimit = 50;

    /// <summary>The greatest sum of the lengths of sequences scored at once.</summary>
    private const int LengthsLimit = 500_000;

    /// <summary>Scores each length.</summary>
    /// <param name="model">The model.</param>
    /// <param name="task">The task.</param>
    /// <param name="lengths">Lengths, each 1 or more.</param>
    /// <param name="sequences">Sequences of each length.</param>
    /// <param name="seed">The run's seed; the same seed gives the same sequences.</param>
    /// <param name="slotsPerStep">See <see cref="EvaluationOptions.SlotsPerStep"/>.</param>
    /// <param name="cancellation">Ends the evaluation between two batches.</param>
    public static IReadOnlyList<LengthScore> ByLength(
        SequenceModel model,
        SequenceTask task,
        IReadOnlyList<int> lengths,
        int sequences,
        ulong seed,
        double slotsPerStep = 0,
        CancellationToken cancellation = default)
    {
        using var noGradient = no_grad();
        using var evaluated = new EvaluatedModel(model, slotsPerStep);
        var device = model.parameters().First().device;
        var results = new List<LengthScore>(lengths.Count);
        foreach (var length in lengths)
        {
            var scores = new List<float>(sequences);
            var slots = new List<float>(sequences);
            var atOnce = Math.Clamp(LengthsLimit / length, 1, BatchLimit);
            for (var start = 0; start < sequences; start += atOnce)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                var random = new RandomStream(seed, $"evaluate length {length}", (ulong)start);
                var count = Math.Min(atOnce, sequences - start);
                var batch = task.Generate(new BatchRequest(random, seed, start, count, length, HeldOut: true)).To(device);
                evaluated.MakeRoom(batch.Input.shape[1]);
                foreach (var group in batch.Groups(model.StepsAtOnce))
                {
                    using var groupScope = NewDisposeScope();
                    scores.AddRange(task.Score(Logits(model, group.Input, slots), group));
                }
            }

            results.Add(new LengthScore(
                length,
                scores.Average(score => (double)score),
                scores.Count(task.IsPerfect) / (double)scores.Count,
                slots.Count > 0 ? slots.Average(used => (double)used) : null));
        }

        return results;
    }

    /// <summary>The logits, and how many slots of memory each sequence has used at its end, where the model knows.</summary>
    private static Tensor Logits(SequenceModel model, Tensor input, List<float> slots)
    {
        if (!model.CountsSlots)
        {
            return model.Forward(input);
        }

        var (logits, state) = model.Run(input, model.InitialState(input.shape[0]));
        if (model.SlotsUsed(state) is { } used)
        {
            slots.AddRange(used.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray());
        }

        return logits;
    }
}

/// <summary>The score at one length.</summary>
/// <param name="Length">The task's own measure of length.</param>
/// <param name="Score">The task's score, averaged over the sequences.</param>
/// <param name="PerfectFraction">The fraction of perfect sequences: as a rule those with a score of 0.</param>
/// <param name="SlotsUsed">Slots of memory that held something at the end of a sequence, on average; null where the model does not tell.</param>
public sealed record LengthScore(int Length, double Score, double PerfectFraction, double? SlotsUsed = null);
