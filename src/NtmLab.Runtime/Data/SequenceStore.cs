namespace NtmLab.Data;

/// <summary>
/// All sequences of a file, by number. The file is read once, from front to back; the values go to a file in the system's folder
/// for temporary files, 4 bytes each, which is mapped into memory, so that data may be larger than memory.
/// </summary>
public sealed class SequenceStore : IDisposable
{
    private const int LargestClass = 1 << 24;

    private readonly RowStore _rows;
    private readonly double[] _means;
    private readonly double[] _deviations;

    private SequenceStore(RowStore rows, string[] columns, Range[] groups, float[] largest, SequencePart[] parts)
    {
        _rows = rows;
        Columns = columns;
        Groups = groups;
        Largest = largest;
        (Training, Validation) = (parts[0], parts[1]);
        var statistics = Statistics();
        _means = statistics.Means();
        _deviations = statistics.Deviations();
    }

    /// <summary>The names of the stored columns: those of the source, in its order.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>For each of the source's names, the columns that it stands for.</summary>
    public IReadOnlyList<Range> Groups { get; }

    /// <summary>The largest value of each column, in both parts.</summary>
    public IReadOnlyList<float> Largest { get; }

    /// <summary>The sequences to train on.</summary>
    public SequencePart Training { get; }

    /// <summary>The sequences kept from training.</summary>
    public SequencePart Validation { get; }

    /// <summary>The mean of each column over the training part, each row counted once.</summary>
    public IReadOnlyList<double> Means => _means;

    /// <summary>The standard deviation of each column over the training part (divided by the number of rows).</summary>
    public IReadOnlyList<double> Deviations => _deviations;

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigurationException">An option of the source is out of range.</exception>
    /// <exception cref="DataException">The file is missing or malformed, or does not hold what the source asks of it.</exception>
    public static SequenceStore Read(SequenceSource source)
    {
        source.Validate("source.");
        using var table = TableReader.Open(source.Path);
        var places = source.Columns.Select(column => table.Find(column.Name)).ToArray();
        var numbers = places.SelectMany(place => place).ToArray();
        var columns = Array.ConvertAll(numbers, place => table.Columns[place]);
        var kinds = source.Columns.SelectMany((column, i) => places[i].Select(_ => column.Kind)).ToArray();
        var runs = new RowRunReader(table, source);
        table.Select(numbers, runs.Texts);

        var rows = new RowStore(columns.Length);
        try
        {
            var row = new float[columns.Length];
            var largest = new float[columns.Length];
            Array.Fill(largest, float.NegativeInfinity);
            while (table.Read())
            {
                table.Numbers(row);
                for (var i = 0; i < row.Length; i++)
                {
                    RequireKind(table, columns[i], kinds[i], row[i]);
                    largest[i] = Math.Max(largest[i], row[i]);
                }

                runs.Row();
                rows.Append(row);
            }

            if (rows.Count == 0)
            {
                throw DataFile.Fault(source.Path, "holds no rows");
            }

            rows.Seal();
            var (training, validation) = SequenceSplit.Split(source, runs.All());
            return new SequenceStore(rows, columns, Ranges(places), largest, [training, validation]);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    /// <summary>Copies steps of a sequence; several threads may do so at once.</summary>
    /// <param name="part"><see cref="Training"/> or <see cref="Validation"/>.</param>
    /// <param name="sequence">Which, from 0.</param>
    /// <param name="skipped">Steps before the first one that is wanted.</param>
    /// <param name="destination">Room for as many steps as are wanted, <c>[step, column]</c>.</param>
    /// <returns>The number of steps copied: fewer than there is room for where the sequence is shorter.</returns>
    public int CopyTo(SequencePart part, long sequence, long skipped, Span<float> destination)
    {
        var run = part.Locate(sequence);
        ArgumentOutOfRangeException.ThrowIfNegative(skipped);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(skipped, run.Count);
        var steps = (int)Math.Min(run.Count - skipped, destination.Length / Columns.Count);
        _rows.CopyTo(run.First + skipped, destination[..(steps * Columns.Count)]);
        return steps;
    }

    /// <summary>
    /// Brings a value to mean 0 and deviation 1 over the training part; a column that is the same everywhere there is only
    /// moved.
    /// </summary>
    /// <param name="column">Its column, from 0.</param>
    /// <param name="value">The value.</param>
    public float Normalise(int column, float value) =>
        (float)((value - _means[column]) / (_deviations[column] > 0 ? _deviations[column] : 1));

    /// <inheritdoc/>
    public void Dispose() => _rows.Dispose();

    private static void RequireKind(TableReader table, string column, ColumnKind kind, float value)
    {
        if (kind == ColumnKind.Class && !(value >= 0 && value < LargestClass && value == MathF.Floor(value)))
        {
            throw table.Fault(column, $"{value} is not allowed; a class number, 0, 1, 2 and so on, is");
        }

        if (kind == ColumnKind.Bit && value is not (0 or 1))
        {
            throw table.Fault(column, $"{value} is not allowed; 0 or 1 is");
        }
    }

    private static Range[] Ranges(IReadOnlyList<int>[] places)
    {
        var end = 0;
        return Array.ConvertAll(places, place => new Range(end, end += place.Count));
    }

    /// <summary>Windows may overlap; a row is taken in with the first that holds it.</summary>
    private ColumnStatistics Statistics()
    {
        const int BlockRows = 1024;

        var statistics = new ColumnStatistics(Columns.Count);
        var block = new float[BlockRows * Columns.Count];
        var taken = 0L;
        for (var sequence = 0L; sequence < Training.Count; sequence++)
        {
            var run = Training.Locate(sequence);
            taken = Math.Max(taken, run.First);
            while (taken < run.First + run.Count)
            {
                var rows = (int)Math.Min(BlockRows, run.First + run.Count - taken);
                var values = block.AsSpan(0, rows * Columns.Count);
                _rows.CopyTo(taken, values);
                statistics.Add(values);
                taken += rows;
            }
        }

        return statistics;
    }
}
