namespace NtmLab.Data;

/// <summary>What a <see cref="SequenceStore"/> reads, and how it is cut into sequences and split.</summary>
public sealed record SequenceSource
{
    /// <summary>The file: a table in long format or an NPZ archive.</summary>
    public required string Path { get; init; }

    /// <summary>What is read; a name may stand for several columns, see <see cref="TableReader.Find"/>.</summary>
    public required IReadOnlyList<SourceColumn> Columns { get; init; }

    /// <summary>The column whose value is the same in all rows of a sequence; empty: there is none.</summary>
    public string Sequence { get; init; } = "";

    /// <summary>The column that says <c>train</c> or <c>validation</c>; empty: there is none.</summary>
    public string Split { get; init; } = "";

    /// <summary>Rows in each sequence where no column tells them apart; 0: a column does.</summary>
    public int Window { get; init; }

    /// <summary>Rows from the start of a window to that of the next; 0: as many as a window has.</summary>
    public int Stride { get; init; }

    /// <summary>The fraction of the sequences that is kept from training, where no column says which.</summary>
    public double Validation { get; init; } = 0.1;

    /// <summary>Decides which sequences these are.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The fewest steps that a sequence may have.</summary>
    public int LeastSteps { get; init; } = 1;

    /// <summary>Checks every option.</summary>
    /// <param name="prefix">What stands before the option names in messages, e.g. <c>task.</c>.</param>
    /// <exception cref="ConfigurationException">An option is out of range, or two exclude each other.</exception>
    public void Validate(string prefix)
    {
        Require.AtLeast($"{prefix}window", Window, 0);
        Require.AtLeast($"{prefix}stride", Stride, 0);
        Require.Within($"{prefix}validation", Validation, 0, 1);
        if (Path.Length == 0)
        {
            throw new ConfigurationException($"{prefix}path: is empty; a CSV, Parquet or NPZ file is wanted.");
        }

        if (Window > 0 && Sequence.Length > 0)
        {
            throw new ConfigurationException(
                $"{prefix}window: {Window} is not allowed with {prefix}sequence '{Sequence}'; one of them tells sequences apart.");
        }

        if (Stride > 0 && Window == 0)
        {
            throw new ConfigurationException($"{prefix}stride: {Stride} is not allowed without {prefix}window; 0 is.");
        }

        if (Window > 0)
        {
            Require.AtLeast($"{prefix}window", Window, LeastSteps);
        }
    }
}

/// <summary>What is read from a table under one name.</summary>
/// <param name="Name">The name of a column, or the common name of several.</param>
/// <param name="Kind">What its values may be.</param>
public sealed record SourceColumn(string Name, ColumnKind Kind = ColumnKind.Number);

/// <summary>What the values of a column may be.</summary>
public enum ColumnKind
{
    /// <summary>Any finite number of single precision.</summary>
    Number,

    /// <summary>Class numbers: 0, 1, 2 and so on.</summary>
    Class,

    /// <summary>0 or 1.</summary>
    Bit,
}
