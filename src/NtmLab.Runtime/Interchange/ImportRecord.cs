namespace NtmLab.Interchange;

/// <summary>Where the weights of a run that was imported come from.</summary>
/// <param name="File">Where the file lay.</param>
/// <param name="Format">Its format.</param>
/// <param name="Sha256">The SHA-256 of all of it.</param>
/// <param name="Like">The id of the run whose configuration the weights were given.</param>
public sealed record ImportRecord(string File, ExportFormat Format, string Sha256, string Like);
