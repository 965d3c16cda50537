using System.Collections.Concurrent;
using NtmLab.Data;

namespace NtmLab.Tasks;

/// <summary>The sequences of a <see cref="TableTask"/>, as the task shows them.</summary>
internal sealed class TableData
{
    /// <summary>Steps that are looked at for a baseline.</summary>
    private const long StepsLookedAt = 10_000_000;

    private readonly SequenceStore _store;
    private readonly TableTargets _kind;
    private readonly WantedSteps _wanted;
    private readonly bool[] _isNormalised;
    private readonly ConcurrentDictionary<int, TaskReference> _baselines = [];

    /// <summary>Reads the file of a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="source">What it reads: names of inputs, then names of targets.</param>
    /// <param name="inputColumns">How many of these names are inputs.</param>
    /// <exception cref="DataException">It is missing or malformed, or does not hold what the source asks of it.</exception>
    public TableData(TableTask task, SequenceSource source, int inputColumns)
    {
        _store = SequenceStore.Read(source);
        (_kind, _wanted) = (task.TargetKind, task.Wanted);
        var inputs = _store.Groups[inputColumns].Start.Value;
        InputNames = [.. _store.Columns.Take(inputs)];
        TargetNames = [.. _store.Columns.Skip(inputs)];
        if (_kind == TableTargets.Classes && TargetNames.Count > 1)
        {
            throw DataFile.Fault(
                source.Path, $"'{task.Targets}' names {TargetNames.Count} columns; a single one is wanted, which holds class numbers");
        }

        _isNormalised = new bool[_store.Columns.Count];
        _isNormalised.AsSpan(0, _kind == TableTargets.SquaredError ? _isNormalised.Length : inputs).Fill(task.Normalise);
    }

    /// <summary>The input columns.</summary>
    public IReadOnlyList<string> InputNames { get; }

    /// <summary>The target columns.</summary>
    public IReadOnlyList<string> TargetNames { get; }

    /// <summary>The number of classes: one more than the largest class number.</summary>
    public int Classes => (int)_store.Largest[^1] + 1;

    /// <summary>Steps of the longest sequence to train on, at most as many as a task may have.</summary>
    public int Longest => (int)Math.Min(Training.Longest, SequenceTask.LengthLimit);

    /// <summary>The sequences to train on.</summary>
    public SequencePart Training => _store.Training;

    /// <summary>The sequences kept from training.</summary>
    public SequencePart Validation => _store.Validation;

    /// <summary>Copies a sequence, the part of it for which there is room.</summary>
    /// <param name="part">The part it belongs to.</param>
    /// <param name="sequence">Which, from 0.</param>
    /// <param name="rows">Room for inputs and targets, <c>[step, column]</c>.</param>
    /// <returns>The number of steps copied.</returns>
    public int Copy(SequencePart part, long sequence, Span<float> rows)
    {
        var width = _isNormalised.Length;
        var skipped = _wanted == WantedSteps.Last ? Math.Max(0, part.Steps(sequence) - (rows.Length / width)) : 0;
        var steps = _store.CopyTo(part, sequence, skipped, rows);
        for (var t = 0; t < steps; t++)
        {
            var row = rows.Slice(t * width, width);
            for (var column = 0; column < width; column++)
            {
                row[column] = _isNormalised[column] ? _store.Normalise(column, row[column]) : row[column];
            }
        }

        return steps;
    }

    /// <summary>What a predictor reaches that knows nothing but the distribution of the training part's wanted targets.</summary>
    /// <param name="length">The number of steps.</param>
    public TaskReference Baseline(int length) => _baselines.GetOrAdd(length, MakeBaseline);

    private TaskReference MakeBaseline(int length)
    {
        var baseline = new TableBaseline(_kind, TargetNames.Count, Classes);
        Look(length, baseline.Learn);
        Look(length, baseline.Judge);
        return baseline.Reached();
    }

    /// <summary>Looks at the wanted targets of training sequences; of very many, at a random part of them.</summary>
    /// <param name="length">The number of steps.</param>
    /// <param name="look">Takes those of one sequence, <c>[step, target]</c>.</param>
    private void Look(int length, Action<ReadOnlySpan<float>> look)
    {
        var width = _isNormalised.Length;
        var (inputs, targets) = (InputNames.Count, TargetNames.Count);
        var rows = new float[Math.Min(length, Longest) * width];
        var wanted = new float[rows.Length / width * targets];
        var order = new EpochOrder(0, 0, Training.Count);
        var count = Math.Min(Training.Count, Math.Max(1, StepsLookedAt / length));
        for (var i = 0L; i < count; i++)
        {
            var steps = Copy(Training, order.At(i), rows);
            var first = _wanted == WantedSteps.Last ? steps - 1 : 0;
            for (var t = first; t < steps; t++)
            {
                rows.AsSpan((t * width) + inputs, targets).CopyTo(wanted.AsSpan((t - first) * targets));
            }

            look(wanted.AsSpan(0, (steps - first) * targets));
        }
    }
}
