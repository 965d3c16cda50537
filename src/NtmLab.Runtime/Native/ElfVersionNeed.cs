namespace NtmLab.Native;

/// <summary>One symbol version that an ELF library demands of another library: an entry of <c>.gnu.version_r</c>.</summary>
/// <param name="Library">The library that must provide the version, such as <c>libstdc++.so.6</c>.</param>
/// <param name="Version">The version's name, such as <c>GLIBCXX_3.4.32</c>.</param>
/// <param name="IsWeak">Whether the loader may go on when the version is missing (<c>VER_FLG_WEAK</c>).</param>
/// <param name="Index">The number by which the symbol table refers to this version (<c>vna_other</c>).</param>
/// <param name="FlagsOffset">Where the two bytes of <c>vna_flags</c> stand, in bytes from the file's start.</param>
public sealed record ElfVersionNeed(string Library, string Version, bool IsWeak, int Index, int FlagsOffset);
