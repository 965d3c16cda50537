using System.Collections.Frozen;
using System.Reflection;
using Microsoft.AspNetCore.Http;

namespace NtmLab.Dashboard;

/// <summary>The files of the page, which are inside this assembly.</summary>
internal static class PageFiles
{
    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
    }.ToFrozenDictionary();

    /// <summary>The names of all files.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()];

    /// <summary>The type of a file by its name; null of an unknown kind.</summary>
    /// <param name="name">The file's name.</param>
    public static string? TypeOf(string name) => Types.GetValueOrDefault(Path.GetExtension(name));

    /// <summary>Answers with a file of the page.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static IResult Serve(string name) =>
        Results.Stream(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!, TypeOf(name));
}
