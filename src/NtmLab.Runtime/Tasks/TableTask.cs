using System.Runtime.CompilerServices;
using NtmLab.Configuration;
using NtmLab.Data;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// The user's own sequences: columns of a CSV, Parquet or NPZ file as inputs, others as targets. With the columns <c>x, y</c> as
/// inputs, <c>label</c> as the target and length 4, a sequence of 3 steps of which each is wanted gives
/// <code>
/// input   x  .3 .1 -.4 .        target  label  0 1 1 .
///         y  1. .2 -.9 .        mask           1 1 1 .
/// </code>
/// Sequences are the rows with the same value in a column, windows of a table, or the first dimension of an archive's arrays. The
/// task's length is the number of steps. Shorter sequences are followed by zeros that do not count; of longer ones the first steps
/// are taken, or, where only the answer at the last step is wanted, the last ones. Training goes through all sequences, in another
/// random order each time; evaluation takes the part that is kept from training.
/// </summary>
[CatalogName("table", "Predict columns of your own CSV, Parquet or NPZ file from others.")]
public sealed record TableTask : SequenceTask
{
    // Not a field: a copy with other options must read its own file.
    private static readonly ConditionalWeakTable<TableTask, TableData> Read = [];

    /// <summary>The file.</summary>
    public string Path { get; init; } = "";

    /// <summary>
    /// The columns that are seen, with commas between them; a name that no column has stands for <c>name_0</c>, <c>name_1</c> and
    /// so on.
    /// </summary>
    public string Inputs { get; init; } = "";

    /// <summary>The columns that are wanted, likewise; with classes a single one, which holds their numbers.</summary>
    public string Targets { get; init; } = "";

    /// <summary>The column whose value is the same in all rows of a sequence, which follow one another; empty: none.</summary>
    public string Sequence { get; init; } = "";

    /// <summary>The column that says <c>train</c> or <c>validation</c>; empty: sequences are drawn.</summary>
    public string Split { get; init; } = "";

    /// <summary>Rows in each sequence where no column tells them apart.</summary>
    public int Window { get; init; }

    /// <summary>Rows from the start of a window to that of the next; 0: as many as a window has.</summary>
    public int Stride { get; init; }

    /// <summary>
    /// The fraction of the sequences that is kept from training, where no column says which; of windows it is one stretch of
    /// neighbours, with which training windows share no row.
    /// </summary>
    public double Validation { get; init; } = 0.1;

    /// <summary>Decides which sequences these are.</summary>
    public ulong SplitSeed { get; init; } = 1;

    /// <summary>
    /// Whether inputs, and targets of squared error, are brought to mean 0 and deviation 1 over the training part; loss and score
    /// then count in squares of these deviations.
    /// </summary>
    public bool Normalise { get; init; } = true;

    /// <summary>What the targets are, which decides loss and score.</summary>
    public TableTargets TargetKind { get; init; }

    /// <summary>Whether an answer is wanted in each step.</summary>
    public WantedSteps Wanted { get; init; }

    /// <summary>The length of training sequences, in steps; 0: the longest one's.</summary>
    public int Steps { get; init; }

    /// <inheritdoc/>
    /// <exception cref="DataException">The file is missing or malformed.</exception>
    public override int InputWidth() => Data().InputNames.Count;

    /// <inheritdoc/>
    public override string InputName(int channel) => Data().InputNames[channel];

    /// <inheritdoc/>
    /// <exception cref="DataException">The file is missing or malformed.</exception>
    public override int OutputWidth() => TargetKind == TableTargets.Classes ? Data().Classes : Data().TargetNames.Count;

    /// <inheritdoc/>
    public override string OutputName(int channel) =>
        TargetKind == TableTargets.Classes ? $"{channel}" : Data().TargetNames[channel];

    /// <inheritdoc/>
    public override TaskOutput Output() => TargetKind switch
    {
        TableTargets.Classes => new TokenOutput(OutputWidth()),
        TableTargets.Bits => new BinaryOutput(),
        _ => new RealOutput(),
    };

    /// <inheritdoc/>
    public override string ScoreName() => TargetKind switch
    {
        TableTargets.Classes => "wrong fraction",
        TableTargets.Bits => "wrong bits",
        _ => "squared error",
    };

    /// <inheritdoc/>
    /// <exception cref="DataException">The file is missing or malformed.</exception>
    public override LengthRange Lengths()
    {
        var steps = Steps > 0 ? Steps : Data().Longest;
        return new(steps, steps);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// It knows how the targets are distributed in the training part: their mean, how frequent each class is. Of very many
    /// sequences a random part is looked at.
    /// </remarks>
    public override TaskReference Baseline(int length) => Data().Baseline(length);

    /// <inheritdoc/>
    /// <exception cref="DataException">The file is missing or malformed, or does not hold what the options ask of it.</exception>
    public override void Validate()
    {
        RequireOptions();
        Data();
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length) =>
        Fill(Data().Training, FiniteData.Draw(random, batch, Data().Training.Count), length);

    /// <inheritdoc/>
    public override SequenceBatch Generate(BatchRequest request)
    {
        var (training, validation) = (Data().Training, Data().Validation);
        var chosen = FiniteData.Choose(request, training.Count, validation.Count);
        return Fill(request.HeldOut ? validation : training, chosen, request.Length);
    }

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => TargetKind switch
    {
        TableTargets.Classes => new TokenOutput(OutputWidth()).WrongFraction(logits, batch),
        TableTargets.Bits => BinaryOutput.WrongBits(logits, batch),
        _ => RealOutput.SquaredError(logits, batch),
    };

    private TableData Data() => Read.GetValue(this, task =>
    {
        task.RequireOptions();
        return new TableData(task, task.Source(), Names("task.inputs", task.Inputs).Length);
    });

    private SequenceBatch Fill(SequencePart part, long[] chosen, int length)
    {
        RequireLength("steps", length);
        var (data, inputs, targets) = (Data(), Data().InputNames.Count, Data().TargetNames.Count);
        var canvas = NewCanvas(chosen.Length, length, targets);
        Require.Between("task 'table': values in a sequence", (long)length * (inputs + targets), 1, Array.MaxLength);
        var rows = new float[length * (inputs + targets)];
        for (var sequence = 0; sequence < chosen.Length; sequence++)
        {
            var steps = data.Copy(part, chosen[sequence], rows);
            for (var t = 0; t < steps; t++)
            {
                var row = rows.AsSpan(t * (inputs + targets), inputs + targets);
                row[..inputs].CopyTo(canvas.Input(sequence, t));
                if (Wanted == WantedSteps.Every || t == steps - 1)
                {
                    row[inputs..].CopyTo(canvas.Want(sequence, t));
                }
            }
        }

        return TargetKind == TableTargets.Classes ? canvas.ToTokenBatch(length) : canvas.ToBatch(length);
    }

    private SequenceSource Source()
    {
        var kind = TargetKind switch
        {
            TableTargets.Classes => ColumnKind.Class,
            TableTargets.Bits => ColumnKind.Bit,
            _ => ColumnKind.Number,
        };
        return new SequenceSource
        {
            Path = Path,
            Columns =
            [
                .. Names("task.inputs", Inputs).Select(name => new SourceColumn(name)),
                .. Names("task.targets", Targets).Select(name => new SourceColumn(name, kind)),
            ],
            Sequence = Sequence,
            Split = Split,
            Window = Window,
            Stride = Stride,
            Validation = Validation,
            Seed = SplitSeed,
        };
    }

    private void RequireOptions()
    {
        Require.Between("task.steps", Steps, 0, LengthLimit);
        Source().Validate("task.");
        if (TargetKind == TableTargets.Classes && Names("task.targets", Targets).Length > 1)
        {
            throw new ConfigurationException($"task.targets: '{Targets}' is not allowed with classes; a single column is.");
        }
    }

    private static string[] Names(string option, string names)
    {
        var split = names.Split(',', StringSplitOptions.TrimEntries);
        return split.Contains("")
            ? throw new ConfigurationException($"{option}: '{names}' is not allowed; column names with commas between them are.")
            : split;
    }
}

/// <summary>What the targets of a table are.</summary>
public enum TableTargets
{
    /// <summary>Numbers; the loss is the squared error.</summary>
    SquaredError,

    /// <summary>Class numbers 0, 1, 2 and so on; the loss is the cross-entropy.</summary>
    Classes,

    /// <summary>0 or 1 in each column; the loss is the binary cross-entropy.</summary>
    Bits,
}

/// <summary>In which steps of a sequence an answer is wanted.</summary>
public enum WantedSteps
{
    /// <summary>In each.</summary>
    Every,

    /// <summary>In the last one.</summary>
    Last,
}
