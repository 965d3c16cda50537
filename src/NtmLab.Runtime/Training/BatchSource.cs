using NtmLab.Tasks;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>
/// The training batches of a run. Batch k of seed s is always the same for the same curriculum state; the next batch is drawn
/// on another thread while this one is trained on. What is drawn ahead rests on the state of that moment: if the curriculum
/// then wants other lengths, the batch is drawn again, so drawing ahead never changes a bit.
/// </summary>
internal sealed class BatchSource(SequenceTask task, TrainingOptions options, ulong seed) : IDisposable
{
    private readonly LengthRange _range = task.Lengths();
    private (Plan Plan, Task<SequenceBatch> Batch)? _ahead;

    /// <summary>A batch.</summary>
    /// <param name="index">Its index, from 0.</param>
    /// <param name="first">Sequences trained before it.</param>
    /// <param name="state">The curriculum's state.</param>
    public SequenceBatch Take(long index, long first, CurriculumState state)
    {
        var plan = MakePlan(index, first, state);
        if (_ahead is { } ahead && ahead.Plan.Equals(plan))
        {
            _ahead = null;
            return ahead.Batch.GetAwaiter().GetResult();
        }

        Drop();
        return Draw(plan);
    }

    /// <summary>Begins to draw a batch on another thread.</summary>
    /// <param name="index">Its index, from 0.</param>
    /// <param name="first">Sequences trained before it.</param>
    /// <param name="state">The curriculum's state as far as it is known.</param>
    public void Prepare(long index, long first, CurriculumState state)
    {
        Drop();
        if (first < options.Sequences)
        {
            var plan = MakePlan(index, first, state);
            _ahead = (plan, Task.Run(() => Draw(plan)));
        }
    }

    /// <summary>Waits for what is being drawn, and forgets it.</summary>
    public void Drop()
    {
        if (_ahead is { } ahead)
        {
            _ahead = null;
            Task.WhenAny(ahead.Batch).Wait();
            if (ahead.Batch.IsCompletedSuccessfully)
            {
                ahead.Batch.Result.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();

    private Plan MakePlan(long index, long first, CurriculumState state)
    {
        var random = new RandomStream(seed, "train", (ulong)index);
        var count = (int)Math.Min(options.Batch, options.Sequences - first);
        var lengths = new int[options.Lengths == LengthsOfBatch.One ? 1 : count];
        var progress = (double)first / options.Sequences;
        for (var i = 0; i < lengths.Length; i++)
        {
            lengths[i] = options.Curriculum.Draw(_range, state, progress, random);
        }

        return new Plan(random, first, count, lengths);
    }

    private SequenceBatch Draw(Plan plan)
    {
        using var scope = NewDisposeScope();

        // The plan's own stream stays where it is, to be compared.
        var random = new RandomStream(plan.Random);
        BatchRequest Request(long first, int count, int length) => new(random, seed, first, count, length, HeldOut: false);
        var batch = plan.Lengths.Length == 1
            ? task.Generate(Request(plan.First, plan.Count, plan.Lengths[0]))
            : SequenceBatch.Join([.. plan.Lengths.Select((length, i) => task.Generate(Request(plan.First + i, 1, length)))]);
        return batch.Detached();
    }

    /// <summary>All that decides a batch: the stream after the lengths were drawn from it, and these.</summary>
    private sealed record Plan(RandomStream Random, long First, int Count, int[] Lengths)
    {
        public bool Equals(Plan? other) =>
            other is not null
            && Random.IsAt(other.Random)
            && First == other.First
            && Count == other.Count
            && Lengths.AsSpan().SequenceEqual(other.Lengths);

        public override int GetHashCode() => HashCode.Combine(First, Count, Lengths.Length);
    }
}
