using System.Text.Json;
using System.Text.Json.Nodes;

namespace NtmLab.Configuration;

/// <summary>Changes single values of a configuration by path, as <c>--set model.slots=64</c> does.</summary>
public static class ConfigurationOverride
{
    /// <summary>Applies overrides in order.</summary>
    /// <param name="configuration">The configuration a script describes.</param>
    /// <param name="overrides">Each <c>path=value</c>; the value is JSON, or plain text where text is wanted.</param>
    /// <returns>The resolved, validated configuration.</returns>
    /// <remarks>Changing a <c>kind</c> takes that kind's defaults; later overrides change them.</remarks>
    /// <exception cref="ConfigurationException">A path is unknown, or a value does not fit.</exception>
    public static ExperimentConfiguration Apply(ExperimentConfiguration configuration, IEnumerable<string> overrides)
    {
        var resolved = Resolve(configuration, overrides);
        resolved.Validate();
        return resolved;
    }

    /// <summary>Applies overrides in order without a look at what the options mean together.</summary>
    /// <param name="configuration">The configuration a script describes.</param>
    /// <param name="overrides">As for <see cref="Apply"/>.</param>
    /// <exception cref="ConfigurationException">A path is unknown, or a value has the wrong type.</exception>
    public static ExperimentConfiguration Resolve(ExperimentConfiguration configuration, IEnumerable<string> overrides)
    {
        var document = ConfigurationJson.Write(configuration);
        foreach (var text in overrides)
        {
            var separator = text.IndexOf('=', StringComparison.Ordinal);
            if (separator <= 0)
            {
                throw new ConfigurationException($"--set {text}: path=value is wanted, e.g. model.slots=64.");
            }

            var path = text[..separator].Trim();
            Set(document, path, text[(separator + 1)..].Trim());
            if (path.EndsWith(".kind", StringComparison.Ordinal))
            {
                document = ConfigurationJson.Write(ConfigurationJson.Read(document, configuration));
            }
        }

        return ConfigurationJson.Read(document, configuration);
    }

    private static void Set(JsonObject document, string path, string text)
    {
        var keys = path.Split('.');
        var parent = document;
        for (var i = 0; i < keys.Length - 1; i++)
        {
            parent = Child(document, parent, keys[i], path) as JsonObject ?? throw Unknown(document, path);
        }

        var last = keys[^1];
        var current = Child(document, parent, last, path);
        if (current is JsonObject)
        {
            throw new ConfigurationException(
                $"{path}: is a group of options, not a value; known are: {string.Join(", ", Paths(current, path))}.");
        }

        var value = Parse(text, current, path);
        if (last == "kind")
        {
            // Another kind has other options: it starts from its own defaults.
            parent.Clear();
        }

        parent[last] = value;
    }

    private static JsonNode? Child(JsonObject document, JsonObject parent, string key, string path) =>
        parent.TryGetPropertyValue(key, out var child) ? child : throw Unknown(document, path);

    private static ConfigurationException Unknown(JsonObject document, string path) =>
        new($"--set: there is no option '{path}'; {Suggestion.For(path, Paths(document, ""))}");

    /// <summary>Reads a value of the same JSON kind as the current one.</summary>
    private static JsonNode? Parse(string text, JsonNode? current, string path)
    {
        var kind = current?.GetValueKind() ?? JsonValueKind.Null;
        if (kind == JsonValueKind.String)
        {
            return text.Trim('"');
        }

        JsonNode? value = null;
        try
        {
            value = JsonNode.Parse(kind == JsonValueKind.Array && !text.StartsWith('[') ? $"[{text}]" : text.Replace("_", "", StringComparison.Ordinal));
        }
        catch (JsonException)
        {
            // Falls through to the sentence below: what could not be parsed has no kind.
        }

        var fits = kind switch
        {
            JsonValueKind.Number => value?.GetValueKind() == JsonValueKind.Number,
            JsonValueKind.True or JsonValueKind.False => value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
            JsonValueKind.Array => value?.GetValueKind() == JsonValueKind.Array,
            _ => value is not null,
        };
        var wanted = kind switch
        {
            JsonValueKind.Number => "a number is",
            JsonValueKind.Array => "a list such as 10,20,30 is",
            _ => "true or false is",
        };
        return fits ? value : throw new ConfigurationException($"{path}: '{text}' is not allowed; {wanted}.");
    }

    private static IEnumerable<string> Paths(JsonNode? node, string prefix) =>
        node is JsonObject group
            ? group.SelectMany(pair => Paths(pair.Value, prefix.Length == 0 ? pair.Key : $"{prefix}.{pair.Key}"))
            : [prefix];
}
