using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
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
            var property = Kinds(type).Prepend(type).SelectMany(kind => kind.GetProperties())
                .FirstOrDefault(property => Name(property) == name.Split('[')[0]);
            if (property is null)
            {
                break;
            }

            type = property.PropertyType;
        }

        return Of(Nullable.GetUnderlyingType(type) ?? type);
    }

    /// <summary>The path of the first group of options that should say which of several kinds it is, and does not; else empty.</summary>
    /// <param name="type">The type that the path starts from.</param>
    /// <param name="part">What is read as that type.</param>
    public static string PathWithoutKind(Type type, JsonNode part)
    {
        foreach (var property in type.GetProperties())
        {
            if (part is JsonObject options && options[Name(property)] is JsonObject group)
            {
                var kindless = Discriminators(property.PropertyType).Any() && !group.ContainsKey(ConfigurationJson.Kind);
                var inner = kindless ? "" : PathWithoutKind(property.PropertyType, group);
                if (kindless || inner.Length > 0)
                {
                    return $".{Name(property)}{inner}";
                }
            }
        }

        return "";
    }

    private static string Name(PropertyInfo property) => JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    private static IEnumerable<JsonDerivedTypeAttribute> Discriminators(Type type) =>
        type.GetCustomAttributes<JsonDerivedTypeAttribute>();

    private static IEnumerable<Type> Kinds(Type type) => Discriminators(type).Select(kind => kind.DerivedType);

    private static string Of(Type type)
    {
        var kinds = Discriminators(type).Select(kind => $"{kind.TypeDiscriminator}").ToArray();
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
