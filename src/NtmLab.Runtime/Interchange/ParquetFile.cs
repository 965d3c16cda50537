using Parquet;
using Parquet.Schema;

namespace NtmLab.Interchange;

/// <summary>A Parquet table of <c>int64</c>, <c>float64</c> and <c>bool</c>, written in row groups so that memory holds only one.</summary>
internal static class ParquetFile
{
    private const int RowsInGroup = 1 << 16;

    /// <summary>Writes rows, a group at a time.</summary>
    /// <typeparam name="T">A row.</typeparam>
    public static void Write<T>(Stream stream, IEnumerable<T> rows) =>
        WriteAsync(stream, rows).GetAwaiter().GetResult();

    private static async Task WriteAsync<T>(Stream stream, IEnumerable<T> rows)
    {
        var columns = TableColumn<T>.All;
        var fields = columns.Select(column => new DataField(column.Name, column.Type, column.IsNullable)).ToArray();
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream).ConfigureAwait(false);
        foreach (var chunk in rows.Chunk(RowsInGroup))
        {
            using var group = writer.CreateRowGroup();
            foreach (var (field, column) in fields.Zip(columns))
            {
                var values = Array.ConvertAll(chunk, row => column.Value(row));
                await (column.Type == typeof(long) ? WriteColumn<long>(group, field, values)
                    : column.Type == typeof(double) ? WriteColumn<double>(group, field, values)
                    : WriteColumn<bool>(group, field, values)).ConfigureAwait(false);
            }

            group.CompleteValidate();
        }
    }

    private static Task WriteColumn<TValue>(ParquetRowGroupWriter group, DataField field, object?[] values)
        where TValue : struct => field.IsNullable
        ? group.WriteAsync<TValue>(field, Array.ConvertAll(values, value => (TValue?)value).AsMemory())
        : group.WriteAsync<TValue>(field, Array.ConvertAll(values, value => (TValue)value!).AsMemory());
}
