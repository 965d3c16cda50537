using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NtmLab.Configuration;

/// <summary>Says which values an option accepts, from its type.</summary>
internal static class AcceptedValues
{
    /// <summary>What is accepted at a path below a type, e.g. <c>cpu or cuda</c>.</summary>
    /// <param name="type">The type that the path starts from.</param>
    /// <param name="path">Names in camelCase, each after a dot, as <see cref="JsonException.Path"/> gives them.</param>
    public static string At(Type type, string path)
    {
        foreach (var name in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var property = type.GetProperties().FirstOrDefault(property =>
                JsonNamingPolicy.CamelCase.ConvertName(property.Name) == name.Split('[')[0]);
            if (property is null)
            {
                break;
            }

            type = property.PropertyType;
        }

        return Of(Nullable.GetUnderlyingType(type) ?? type);
    }

    private static string Of(Type type)
    {
        var kinds = type.GetCustomAttributes<JsonDerivedTypeAttribute>().Select(kind => $"{kind.TypeDiscriminator}").ToArray();
        return (kinds.Length > 0, type.IsEnum, Type.GetTypeCode(type)) switch
        {
            (true, _, _) => $"kind {string.Join(" or ", kinds)}",
            (_, true, _) => $"{string.Join(" or ", Enum.GetNames(type).Select(JsonNamingPolicy.KebabCaseLower.ConvertName))}",
            (_, _, TypeCode.Int32) => "a whole number",
            (_, _, TypeCode.Int64 or TypeCode.UInt64) => "a whole number",
            (_, _, TypeCode.Single or TypeCode.Double) => "a number",
            (_, _, TypeCode.Boolean) => "true or false",
            _ when typeof(IEnumerable<int>).IsAssignableFrom(type) => "a list of whole numbers such as 10,20,30",
            _ => "its options are listed in the run's configuration",
        };
    }
}
