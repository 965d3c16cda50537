namespace NtmLab.Configuration;

/// <summary>
/// Names a task, model or policy in configurations and listings. A type with this attribute in the runtime is in the
/// catalogue; one in a script is known to that script's configurations.
/// </summary>
/// <param name="name">The name, e.g. <c>copy</c>: lower case words joined by hyphens.</param>
/// <param name="summary">One sentence: what it is.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class CatalogNameAttribute(string name, string summary) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>One sentence: what it is.</summary>
    public string Summary { get; } = summary;
}
