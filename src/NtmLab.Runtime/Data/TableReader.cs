using NtmLab.Configuration;

namespace NtmLab.Data;

/// <summary>
/// A table in long format, a row for each time step, read once from front to back; memory holds one block of it at a time.
/// With two features and one target:
/// <code>
/// sequence  x_0   x_1   y
/// a         0.1   -1    0
/// a         0.4    2    1
/// b         0.3    0    1
/// </code>
/// </summary>
public abstract class TableReader : IDisposable
{
    /// <summary>Makes the reader of a file.</summary>
    protected TableReader(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The names of the columns, in the order of the file.</summary>
    public abstract IReadOnlyList<string> Columns { get; }

    /// <summary>Whether the file itself says where sequences begin.</summary>
    public virtual bool HasSequences => false;

    /// <summary>Whether the current row is the first of a sequence, where <see cref="HasSequences"/>.</summary>
    public virtual bool BeginsSequence => false;

    /// <summary>The current row as a person counts, e.g. <c>row 1</c> for the first after the header.</summary>
    public virtual string Place => $"row {Row}";

    /// <summary>Rows read so far.</summary>
    protected long Row { get; set; }

    /// <summary>
    /// Opens a table; what it is is seen from its first bytes: Parquet, an NPZ archive, else text with a header line and commas,
    /// semicolons or tabs between columns, plain or packed by gzip.
    /// </summary>
    /// <exception cref="DataException">The file is missing, empty or malformed.</exception>
    public static TableReader Open(string path)
    {
        using (var file = DataFile.Open(path))
        {
            if (DataFile.Begins(file, NpyArray.Magic))
            {
                throw DataFile.Fault(path, "is a single .npy array; an .npz archive of named arrays is wanted");
            }

            if (DataFile.Begins(file, "PAR1"u8))
            {
                return new ParquetTable(path);
            }

            if (DataFile.Begins(file, "PK"u8))
            {
                return new NpzTable(path);
            }
        }

        return new CsvTable(path);
    }

    /// <summary>
    /// The places of the columns that a name stands for: the column of that name; where there is none, <c>name_0</c>,
    /// <c>name_1</c> and so on, as many as there are.
    /// </summary>
    /// <exception cref="DataException">There are none; the message suggests the nearest name.</exception>
    public IReadOnlyList<int> Find(string name)
    {
        var places = new Dictionary<string, int>();
        for (var i = 0; i < Columns.Count; i++)
        {
            places.TryAdd(Columns[i], i);
        }

        if (places.TryGetValue(name, out var place))
        {
            return [place];
        }

        var features = new List<int>();
        while (places.TryGetValue($"{name}_{features.Count}", out place))
        {
            features.Add(place);
        }

        return features.Count > 0
            ? features
            : throw new DataException($"{Path}: has no column '{name}'; {Suggestion.For(name, Names(places))}");
    }

    /// <summary>Chooses what is read, before the first row.</summary>
    /// <param name="numbers">Places of the columns that <see cref="Numbers"/> gives, in its order.</param>
    /// <param name="texts">Places of the columns that <see cref="Text"/> gives.</param>
    /// <exception cref="DataException">A column holds values of another type.</exception>
    public abstract void Select(IReadOnlyList<int> numbers, IReadOnlyList<int> texts);

    /// <summary>Goes to the next row.</summary>
    /// <returns>False after the last row.</returns>
    /// <exception cref="DataException">The file cannot be read, or a row has more or fewer values than there are columns.</exception>
    public abstract bool Read();

    /// <summary>The chosen numbers of the current row; truth values are 1 and 0.</summary>
    /// <exception cref="DataException">A value is missing, no number, or no finite number of single precision.</exception>
    public abstract void Numbers(Span<float> destination);

    /// <summary>A chosen text of the current row; it lasts until the next one is read.</summary>
    /// <param name="chosen">Which of the chosen columns, from 0.</param>
    /// <exception cref="DataException">It is missing.</exception>
    public abstract ReadOnlySpan<char> Text(int chosen);

    /// <summary>A fault of a value in the current row.</summary>
    /// <param name="column">The column's name.</param>
    /// <param name="what">What is wrong, without an end.</param>
    public DataException Fault(string column, string what) => Fault(Place, column, what);

    /// <summary>A text in quotes, for messages: no more than its first line, and of a long one no more than its beginning.</summary>
    internal static string Quote(ReadOnlySpan<char> text)
    {
        const int Longest = 40;

        var end = text.IndexOfAny('\r', '\n');
        end = Math.Min(end < 0 ? text.Length : end, Longest);
        return end < text.Length ? $"'{text[..end]}...'" : $"'{text}'";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the file.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>A fault of a value in any row.</summary>
    protected DataException Fault(string place, string column, string what) =>
        DataFile.Fault(Path, $"{place}, column '{column}': {what}");

    /// <summary>The number itself.</summary>
    /// <exception cref="DataException">It is infinite, not a number, or too great for single precision.</exception>
    protected float Finite(string place, string column, float number) =>
        float.IsFinite(number) ? number : throw NotFinite(place, column, $"{number}");

    /// <summary>A number that single precision cannot hold, or that is none.</summary>
    protected DataException NotFinite(string place, string column, string text) =>
        Fault(place, column, $"{text} is not allowed; a finite number of single precision is");

    /// <summary>A row without a value.</summary>
    protected DataException Missing(string place, string column) => Fault(place, column, "the value is missing");

    /// <summary>What a person would ask for: features of one group by their common name.</summary>
    private static IEnumerable<string> Names(Dictionary<string, int> places) =>
        places.Keys.Select(name =>
        {
            var end = name.LastIndexOf('_');
            return end > 0 && name[(end + 1)..].All(char.IsAsciiDigit) && places.ContainsKey($"{name[..end]}_0")
                ? name[..end]
                : name;
        }).Distinct();
}
