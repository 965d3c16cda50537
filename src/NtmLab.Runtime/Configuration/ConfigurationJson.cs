using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NtmLab.Models;

namespace NtmLab.Configuration;

/// <summary>
/// The resolved form of a configuration as JSON: every option with its value, names in camelCase, a <c>kind</c> where one
/// of several types stands. Writing and reading back gives an equal configuration; unknown keys are errors.
/// </summary>
public static class ConfigurationJson
{
    internal const string Kind = "kind";

    /// <summary>How all JSON of the laboratory is written: camelCase names, kebab-case choices, no unknown keys.</summary>
    public static JsonSerializerOptions Options { get; } = MakeOptions();

    /// <summary>The configuration as a JSON document.</summary>
    public static JsonObject Write(ExperimentConfiguration configuration) => new()
    {
        ["name"] = configuration.Name,
        ["summary"] = configuration.Summary,
        ["seed"] = configuration.Seed,
        ["compute"] = JsonSerializer.SerializeToNode(configuration.Compute, Options),
        ["task"] = WriteKind(configuration.Task),
        ["model"] = WriteKind(configuration.Model),
        ["training"] = JsonSerializer.SerializeToNode(configuration.Training, Options),
        ["evaluation"] = JsonSerializer.SerializeToNode(configuration.Evaluation, Options),
    };

    /// <summary>Reads a configuration.</summary>
    /// <param name="document">The document, as <see cref="Write"/> gives it.</param>
    /// <param name="known">
    /// A configuration whose task and model types are known beside the catalogue's: those of the script.
    /// </param>
    /// <exception cref="ConfigurationException">A key is unknown or missing, or a value has the wrong type.</exception>
    public static ExperimentConfiguration Read(JsonObject document, ExperimentConfiguration known) => new()
    {
        Name = ReadPart<string>(document, "name"),
        Summary = ReadPart<string>(document, "summary"),
        Seed = ReadPart<ulong>(document, "seed"),
        Compute = ReadPart<ComputeOptions>(document, "compute"),
        Task = ReadKind(document, "task", known.Task, Catalog.Tasks).As(known.Task),
        Model = ReadKind(document, "model", known.Model, Catalog.Models).As(known.Model),
        Training = ReadTraining(document),
        Evaluation = ReadPart<Training.EvaluationOptions>(document, "evaluation"),
    };

    /// <summary>The model's options of a configuration; null where its kind is a script's own.</summary>
    /// <param name="document">The document, as <see cref="Write"/> gives it.</param>
    /// <exception cref="ConfigurationException">A key is unknown or missing, or a value has the wrong type.</exception>
    public static ModelOptions? ReadModel(JsonObject document)
    {
        var (kind, part) = Kinded(document, "model");
        return Catalog.Models.FirstOrDefault(entry => entry.Name == kind) is { } entry
            ? (ModelOptions)Deserialize(part, entry.Type, "model")
            : null;
    }

    /// <summary>How the model of a configuration is trained.</summary>
    /// <param name="document">The document, as <see cref="Write"/> gives it.</param>
    /// <exception cref="ConfigurationException">A key is unknown or missing, or a value has the wrong type.</exception>
    public static Training.TrainingOptions ReadTraining(JsonObject document) =>
        ReadPart<Training.TrainingOptions>(document, "training");

    private static JsonObject WriteKind(object value)
    {
        var written = JsonSerializer.SerializeToNode(value, value.GetType(), Options)!.AsObject();
        written.Insert(0, Kind, Catalog.NameOf(value.GetType()));
        return written;
    }

    private static T ReadKind<T>(JsonObject document, string key, T known, IReadOnlyList<CatalogEntry> entries)
        where T : class
    {
        var (kind, part) = Kinded(document, key);
        var type = kind == Catalog.NameOf(known.GetType())
            ? known.GetType()
            : entries.FirstOrDefault(entry => entry.Name == kind)?.Type
                ?? throw new ConfigurationException(
                    $"{key}.kind: '{kind}' is unknown; {Suggestion.For(kind, entries.Select(entry => entry.Name))}");
        return (T)Deserialize(part, type, key);
    }

    /// <summary>A part of the document as its kind and its options.</summary>
    private static (string Kind, JsonObject Options) Kinded(JsonObject document, string key)
    {
        var part = Part(document, key).DeepClone() as JsonObject
            ?? throw new ConfigurationException($"{key}: the value does not fit this option; accepted: a group of options.");
        var kind = part[Kind] is JsonValue value && value.TryGetValue(out string? text) ? text : "";
        part.Remove(Kind);
        return (kind, part);
    }

    private static T ReadPart<T>(JsonObject document, string key) => (T)Deserialize(Part(document, key), typeof(T), key);

    private static JsonNode Part(JsonObject document, string key) =>
        document[key] ?? throw new ConfigurationException($"{key}: is missing from the configuration.");

    private static object Deserialize(JsonNode part, Type type, string key)
    {
        try
        {
            return part.Deserialize(type, Options)!;
        }
        catch (Exception fault) when (fault is JsonException or NotSupportedException)
        {
            var path = fault is JsonException { Path: { } place } ? place[1..] : AcceptedValues.PathWithoutKind(type, part);
            var accepted = AcceptedValues.At(type, path);
            throw new ConfigurationException($"{key}{path}: the value does not fit this option; accepted: {accepted}.", fault);
        }
    }

    private static JsonSerializerOptions MakeOptions()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            WriteIndented = true,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            AllowOutOfOrderMetadataProperties = true,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false));
        options.MakeReadOnly();
        return options;
    }
}
