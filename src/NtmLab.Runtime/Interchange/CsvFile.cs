using System.Globalization;
using System.Text;
using nietras.SeparatedValues;

namespace NtmLab.Interchange;

/// <summary>
/// Text with a header line and commas between columns (RFC 4180): numbers in the fewest digits that give the same number again,
/// <c>true</c> and <c>false</c>, nothing where a value is missing.
/// </summary>
internal static class CsvFile
{
    /// <summary>Writes rows one after the other.</summary>
    /// <typeparam name="T">A row.</typeparam>
    public static void Write<T>(Stream stream, IEnumerable<T> rows)
    {
        using var text = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true)
        {
            NewLine = "\n",
        };
        using var writer = Sep.New(',').Writer().To(text, leaveOpen: true);
        var columns = TableColumn<T>.All;
        writer.Header.Add(columns.Select(column => column.Name).ToArray());
        foreach (var values in rows)
        {
            using var row = writer.NewRow();
            foreach (var column in columns)
            {
                row[column.Name].Set(Text(column.Value(values)));
            }
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "",
        bool truth => truth ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException(value.GetType().Name),
    };
}
