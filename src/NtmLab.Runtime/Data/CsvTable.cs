using System.Globalization;
using System.Text;
using nietras.SeparatedValues;

namespace NtmLab.Data;

/// <summary>
/// Text with a line for each row and a header line (RFC 4180); commas, semicolons, tabs or bars between columns, whichever the
/// header has; values may stand in double quotes; numbers have a decimal point; <c>true</c> and <c>false</c> are 1 and 0.
/// </summary>
internal sealed class CsvTable : TableReader
{
    private readonly StreamReader _text;
    private readonly SepReader _reader;
    private readonly Func<bool> _moveNext;
    private readonly string[] _columns;
    private IReadOnlyList<int> _numbers = [];
    private IReadOnlyList<int> _texts = [];

    public CsvTable(string path)
        : base(path)
    {
        _text = new StreamReader(DataFile.OpenUnpacked(path), Encoding.UTF8);
        try
        {
            _reader = Guarded(() => Sep.Auto.Reader(options => options with
            {
                HasHeader = false,
                Unescape = true,
                Trim = SepTrim.Outer,
                DisableColCountCheck = true,
                CultureInfo = CultureInfo.InvariantCulture,
            }).From(_text));
            _moveNext = _reader.MoveNext;
            var header = Guarded(_moveNext) ? _reader.Current[..].ToStringsArray() : [];
            _columns = Array.ConvertAll(header, name => name.ReplaceLineEndings(" "));
        }
        catch
        {
            _text.Dispose();
            throw;
        }

        var named = _columns.Where(name => name.Length > 0).ToArray();
        var repeated = named.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1)?.Key;
        if (named.Length == 0 || named.Any(name => name.Contains('\0')))
        {
            Dispose();
            throw DataFile.Fault(path, "is no table; a CSV, Parquet or NPZ file is wanted");
        }

        if (repeated is not null)
        {
            Dispose();
            throw DataFile.Fault(path, $"has two columns of the name '{repeated}'");
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Columns => _columns;

    /// <inheritdoc/>
    public override void Select(IReadOnlyList<int> numbers, IReadOnlyList<int> texts) => (_numbers, _texts) = (numbers, texts);

    /// <inheritdoc/>
    public override bool Read()
    {
        var blanks = 0;
        while (Guarded(_moveNext))
        {
            Row++;
            var row = _reader.Current;
            if (row.ColCount == 1 && row.Span.IsWhiteSpace())
            {
                blanks++;
            }
            else if (blanks > 0)
            {
                throw DataFile.Fault(Path, $"row {Row - blanks}: is blank; only the end of a file may be");
            }
            else if (row.ColCount != _columns.Length)
            {
                throw DataFile.Fault(
                    Path, $"row {Row}: has {Values(row.ColCount)}; {_columns.Length}, one for each column of the header, are wanted");
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public override void Numbers(Span<float> destination)
    {
        for (var i = 0; i < _numbers.Count; i++)
        {
            var text = _reader.Current[_numbers[i]].Span;
            destination[i] = float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                && float.IsFinite(number)
                ? number
                : Truth(_columns[_numbers[i]], text, number);
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<char> Text(int chosen)
    {
        var text = _reader.Current[_texts[chosen]].Span;
        return text.Length > 0 ? text : throw Missing(Place, _columns[_texts[chosen]]);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _reader.Dispose();
        _text.Dispose();
    }

    private static string Values(int count) => count == 1 ? "1 value" : $"{count} values";

    private float Truth(string column, ReadOnlySpan<char> text, float number)
    {
        if (bool.TryParse(text, out var truth))
        {
            return truth ? 1 : 0;
        }

        if (text.IsWhiteSpace())
        {
            throw Missing(Place, column);
        }

        throw number != 0
            ? NotFinite(Place, column, Quote(text))
            : Fault(column, $"{Quote(text)} is not allowed; a number such as 1.5 is");
    }

    /// <summary>Reads, and says where it failed: packed bytes that do not unpack, or a quote that never ends.</summary>
    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (DataFile.IsOfReading(fault) || fault is NotSupportedException or ArgumentException)
        {
            throw DataFile.Fault(Path, $"cannot be read after row {Row}; it is damaged, or a quoted value has no end", fault);
        }
    }
}
