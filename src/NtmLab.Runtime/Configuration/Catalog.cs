using System.Reflection;
using NtmLab.Memory;
using NtmLab.Models;
using NtmLab.Tasks;

namespace NtmLab.Configuration;

/// <summary>What can be named in a configuration: every type of the runtime with a <see cref="CatalogNameAttribute"/>.</summary>
public static class Catalog
{
    /// <summary>The tasks.</summary>
    public static IReadOnlyList<CatalogEntry> Tasks { get; } = Find<SequenceTask>();

    /// <summary>The models.</summary>
    public static IReadOnlyList<CatalogEntry> Models { get; } = Find<ModelOptions>();

    /// <summary>The memory policies.</summary>
    public static IReadOnlyList<CatalogEntry> Policies { get; } = Find<MemoryPolicy>();

    /// <summary>The name of a type: the one it was given, or the type's own.</summary>
    public static string NameOf(Type type) => type.GetCustomAttribute<CatalogNameAttribute>()?.Name ?? type.Name;

    private static CatalogEntry[] Find<T>() =>
    [
        .. typeof(Catalog).Assembly.GetExportedTypes()
            .Where(type => typeof(T).IsAssignableFrom(type))
            .Select(type => (Type: type, Name: type.GetCustomAttribute<CatalogNameAttribute>()))
            .Where(found => found.Name is not null)
            .Select(found => new CatalogEntry(found.Name!.Name, found.Name.Summary, found.Type))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal),
    ];
}

/// <summary>Something that can be named in a configuration.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Summary">One sentence: what it is.</param>
/// <param name="Type">Its type.</param>
public sealed record CatalogEntry(string Name, string Summary, Type Type);
