using System.Globalization;
using System.Numerics;
using Parquet;
using Parquet.Schema;

namespace NtmLab.Data;

/// <summary>
/// A Parquet file: its flat columns of numbers, truth values and texts. Memory holds the chosen columns of one row group.
/// </summary>
internal sealed class ParquetTable : TableReader
{
    private readonly FileStream _file;
    private readonly ParquetReader _reader;
    private readonly DataField[] _fields;
    private readonly string[] _columns;
    private DataField[] _numberFields = [];
    private DataField[] _textFields = [];
    private float[][] _numbers = [];
    private string[][] _texts = [];
    private int _group = -1;
    private int _rows;
    private int _at;

    public ParquetTable(string path)
        : base(path)
    {
        _file = DataFile.Open(path);
        try
        {
            _reader = Guarded(() => ParquetReader.CreateAsync(_file).GetAwaiter().GetResult());
        }
        catch
        {
            _file.Dispose();
            throw;
        }

        _fields = _reader.Schema.Fields.OfType<DataField>().Where(field => !field.IsArray).ToArray();
        _columns = Array.ConvertAll(_fields, field => field.Name);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Columns => _columns;

    /// <inheritdoc/>
    public override void Select(IReadOnlyList<int> numbers, IReadOnlyList<int> texts)
    {
        _numberFields = numbers.Select(place => _fields[place]).ToArray();
        _textFields = texts.Select(place => _fields[place]).ToArray();
    }

    /// <inheritdoc/>
    public override bool Read()
    {
        while (++_at >= _rows)
        {
            if (++_group == _reader.RowGroupCount)
            {
                return false;
            }

            var group = _reader.OpenRowGroupReader(_group);
            (_rows, _at) = (Count(group), -1);
            _numbers = Array.ConvertAll(_numberFields, field => Numbers(group, field));
            _texts = Array.ConvertAll(_textFields, field => Texts(group, field));
        }

        Row++;
        return true;
    }

    /// <inheritdoc/>
    public override void Numbers(Span<float> destination)
    {
        for (var i = 0; i < _numbers.Length; i++)
        {
            destination[i] = _numbers[i][_at];
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<char> Text(int chosen) => _texts[chosen][_at];

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _file.Dispose();
    }

    private static bool HoldsTexts(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>);

    private int Count(ParquetRowGroupReader group) =>
        group.RowCount <= Array.MaxLength
            ? (int)group.RowCount
            : throw DataFile.Fault(Path, $"has a row group of {group.RowCount} rows; at most {Array.MaxLength} are accepted");

    private float[] Numbers(ParquetRowGroupReader group, DataField field) => Type.GetTypeCode(field.ClrType) switch
    {
        TypeCode.Single => Numbers<float>(group, field, number => number),
        TypeCode.Double => Numbers<double>(group, field, number => (float)number),
        TypeCode.Decimal => Numbers<decimal>(group, field, number => (float)number),
        TypeCode.Int64 => Numbers<long>(group, field, number => number),
        TypeCode.Int32 => Numbers<int>(group, field, number => number),
        TypeCode.Int16 => Numbers<short>(group, field, number => number),
        TypeCode.SByte => Numbers<sbyte>(group, field, number => number),
        TypeCode.UInt64 => Numbers<ulong>(group, field, number => number),
        TypeCode.UInt32 => Numbers<uint>(group, field, number => number),
        TypeCode.UInt16 => Numbers<ushort>(group, field, number => number),
        TypeCode.Byte => Numbers<byte>(group, field, number => number),
        TypeCode.Boolean => Numbers<bool>(group, field, truth => truth ? 1 : 0),
        _ => throw DataFile.Fault(
            Path,
            $"column '{field.Name}': holds {(HoldsTexts(field) ? "texts" : $"values of type {field.ClrType.Name}")}; numbers are wanted"),
    };

    private float[] Numbers<T>(ParquetRowGroupReader group, DataField field, Func<T, float> convert)
        where T : struct
    {
        var numbers = Values<T, float>(group, field, convert);
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = Finite($"row {Row + i + 1}", field.Name, numbers[i]);
        }

        return numbers;
    }

    private string[] Texts(ParquetRowGroupReader group, DataField field)
    {
        if (HoldsTexts(field))
        {
            var texts = new string?[_rows];
            Guarded(() => group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult());
            return texts.Select((text, i) => text ?? throw Missing($"row {Row + i + 1}", field.Name)).ToArray();
        }

        return Type.GetTypeCode(field.ClrType) switch
        {
            TypeCode.Int64 => WholeNumbers<long>(group, field),
            TypeCode.Int32 => WholeNumbers<int>(group, field),
            TypeCode.Int16 => WholeNumbers<short>(group, field),
            TypeCode.SByte => WholeNumbers<sbyte>(group, field),
            TypeCode.UInt64 => WholeNumbers<ulong>(group, field),
            TypeCode.UInt32 => WholeNumbers<uint>(group, field),
            TypeCode.UInt16 => WholeNumbers<ushort>(group, field),
            TypeCode.Byte => WholeNumbers<byte>(group, field),
            _ => throw DataFile.Fault(
                Path, $"column '{field.Name}': holds values of type {field.ClrType.Name}; texts or whole numbers are wanted"),
        };
    }

    private string[] WholeNumbers<T>(ParquetRowGroupReader group, DataField field)
        where T : struct, INumber<T> =>
        Values<T, string>(group, field, number => number.ToString(null, CultureInfo.InvariantCulture));

    private TValue[] Values<T, TValue>(ParquetRowGroupReader group, DataField field, Func<T, TValue> convert)
        where T : struct
    {
        if (!field.IsNullable)
        {
            var values = new T[_rows];
            Guarded(() => group.ReadAsync<T>(field, values.AsMemory()).AsTask().GetAwaiter().GetResult());
            return Array.ConvertAll(values, value => convert(value));
        }

        var optional = new T?[_rows];
        Guarded(() => group.ReadAsync<T>(field, optional.AsMemory()).AsTask().GetAwaiter().GetResult());
        return optional.Select((value, i) => convert(value ?? throw Missing($"row {Row + i + 1}", field.Name))).ToArray();
    }

    private void Guarded(Action read) => Guarded(() =>
    {
        read();
        return true;
    });

    /// <summary>Reads; the library tells damaged files by exceptions of many types.</summary>
    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is not (DataException or OutOfMemoryException))
        {
            throw DataFile.Fault(Path, "cannot be read as Parquet; it is damaged, or packed in a way that is not known", fault);
        }
    }
}
