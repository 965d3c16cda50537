using System.Text.Json.Serialization.Metadata;
using NtmLab.Runs;

namespace NtmLab.Interchange;

/// <summary>A column of a table that other programs read; its values are whole numbers, numbers or truth values.</summary>
/// <param name="Name">Its name: that of the value in the run's own JSON.</param>
/// <param name="Type"><see cref="long"/>, <see cref="double"/> or <see cref="bool"/>.</param>
/// <param name="IsNullable">Whether a value may be missing.</param>
/// <param name="Value">A row's value, of <paramref name="Type"/>; null where it is missing.</param>
internal sealed record TableColumn<T>(string Name, Type Type, bool IsNullable, Func<T, object?> Value)
{
    /// <summary>The columns of a kind of row, one for each value that its JSON has, in that order.</summary>
    public static IReadOnlyList<TableColumn<T>> All { get; } =
        [.. MetricsRows.Options.GetTypeInfo(typeof(T)).Properties.Select(Of)];

    private static TableColumn<T> Of(JsonPropertyInfo property)
    {
        var bare = Nullable.GetUnderlyingType(property.PropertyType);
        var get = property.Get!;
        var (type, convert) = Type.GetTypeCode(bare ?? property.PropertyType) switch
        {
            TypeCode.Int32 => (typeof(long), value => (long)(int)value),
            TypeCode.Int64 => (typeof(long), value => value),
            TypeCode.Single => (typeof(double), value => (double)(float)value),
            TypeCode.Double => (typeof(double), value => value),
            TypeCode.Boolean => (typeof(bool), (Func<object, object>)(value => value)),
            _ => throw new NotSupportedException($"{property.Name}: a column of {property.PropertyType.Name}."),
        };
        return new TableColumn<T>(
            property.Name, type, bare is not null, row => get(row!) is { } value ? convert(value) : null);
    }
}
