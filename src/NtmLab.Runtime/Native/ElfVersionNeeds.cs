using System.Buffers.Binary;
using System.Text;

namespace NtmLab.Native;

/// <summary>
/// The symbol versions a shared library demands, read from the bytes of an ELF64 little-endian file, and the one repair
/// we make there: a demand that nothing uses can be marked weak, so that an older system loads the library.
/// </summary>
/// <remarks>
/// Layout after the System V ABI and the Linux Standard Base, "Symbol Versioning": the section headers lead to
/// <c>.gnu.version_r</c> (a list of <c>Verneed</c>, each with its own list of <c>Vernaux</c>), <c>.gnu.version</c> (one
/// half-word for each dynamic symbol) and <c>.dynsym</c>. Everything here is a pure function of the bytes.
/// </remarks>
/// <example>
/// <code>
/// byte[] image = File.ReadAllBytes("libLibTorchSharp.so");
/// byte[] mended = ElfVersionNeeds.Weaken(image, "GLIBCXX_3.4.32", ["_ZSt21ios_base_library_initv"]);
/// </code>
/// </example>
public static class ElfVersionNeeds
{
    private const int HeaderSize = 64;
    private const int SectionSize = 64;
    private const int SymbolSize = 24;
    private const int NeedSize = 16;
    private const ushort WeakFlag = 0x2;
    private const ushort VersionIndexMask = 0x7fff;

    private const uint SectionRela = 4;
    private const uint SectionRel = 9;
    private const uint SectionDynamicSymbols = 11;
    private const uint SectionVersionNeeds = 0x6ffffffe;
    private const uint SectionVersionSymbols = 0x6fffffff;

    /// <summary>Lists every version the library demands, in the file's order; empty when it demands none.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a whole ELF64 little-endian file.</exception>
    public static IReadOnlyList<ElfVersionNeed> Read(ReadOnlySpan<byte> image)
    {
        var sections = Sections(image);
        return Find(sections, SectionVersionNeeds) is { } needs ? ReadNeeds(image, sections, needs) : [];
    }

    /// <summary>
    /// Gives a copy of the image in which the version is demanded weakly. An image that demands it weakly already, or
    /// not at all, comes back unchanged.
    /// </summary>
    /// <param name="image">The whole file.</param>
    /// <param name="version">The version's name, such as <c>GLIBCXX_3.4.32</c>.</param>
    /// <param name="harmlessSymbols">
    /// The symbols known to be of no consequence: the repair is refused when any other symbol carries the version, or
    /// when a relocation uses one of these, for then the library would fail later instead of now.
    /// </param>
    /// <exception cref="InvalidDataException">
    /// The bytes are not a whole ELF64 little-endian file, or something in it uses the version.
    /// </exception>
    public static byte[] Weaken(ReadOnlySpan<byte> image, string version, IReadOnlyCollection<string> harmlessSymbols)
    {
        var needs = Read(image).Where(need => need.Version == version && !need.IsWeak).ToArray();
        var mended = image.ToArray();
        foreach (var need in needs)
        {
            RefuseIfUsed(image, need, harmlessSymbols);
            var flags = ReadHalf(image, need.FlagsOffset, "a version's flags");
            BinaryPrimitives.WriteUInt16LittleEndian(mended.AsSpan(need.FlagsOffset), (ushort)(flags | WeakFlag));
        }

        return mended;
    }

    /// <summary>Names the dynamic symbols that carry a version, whichever library it is demanded of.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a whole ELF64 little-endian file.</exception>
    public static IReadOnlyList<string> SymbolsOf(ReadOnlySpan<byte> image, string version)
    {
        var names = new List<string>();
        foreach (var need in Read(image).Where(need => need.Version == version))
        {
            names.AddRange(SymbolsCarrying(image, Sections(image), need.Index).Select(symbol => symbol.Name));
        }

        return names;
    }

    private static void RefuseIfUsed(
        ReadOnlySpan<byte> image, ElfVersionNeed need, IReadOnlyCollection<string> harmlessSymbols)
    {
        var sections = Sections(image);
        var carriers = SymbolsCarrying(image, sections, need.Index);
        var unknown = carriers.Where(symbol => !harmlessSymbols.Contains(symbol.Name)).Select(symbol => symbol.Name);
        if (unknown.FirstOrDefault() is { } name)
        {
            throw new InvalidDataException(
                $"version {need.Version} is in use: symbol '{name}' needs it; "
                + $"only {string.Join(", ", harmlessSymbols.Select(symbol => $"'{symbol}'"))} may.");
        }

        foreach (var symbol in carriers)
        {
            if (HasRelocation(image, sections, symbol.Index))
            {
                throw new InvalidDataException(
                    $"version {need.Version} is in use: a relocation refers to its symbol '{symbol.Name}'; "
                    + "only a version that nothing refers to can be made optional.");
            }
        }
    }

    private static List<ElfVersionNeed> ReadNeeds(ReadOnlySpan<byte> image, Section[] sections, Section needs)
    {
        var strings = Linked(sections, needs, ".gnu.version_r");
        var found = new List<ElfVersionNeed>();
        var offset = needs.Offset;
        for (var left = needs.Info; left > 0; left--)
        {
            Require(Contains(needs, offset, NeedSize), "a version demand lies outside .gnu.version_r");
            var library = ReadString(image, strings, ReadWord(image, offset + 4, "a library's name"));
            var entry = offset + ReadWord(image, offset + 8, "a version list's start");
            for (var versions = ReadHalf(image, offset + 2, "a version count"); versions > 0; versions--)
            {
                Require(Contains(needs, entry, NeedSize), "a version's entry lies outside .gnu.version_r");
                var at = (int)entry;
                var flags = ReadHalf(image, entry + 4, "a version's flags");
                var index = ReadHalf(image, entry + 6, "a version's number") & VersionIndexMask;
                var version = ReadString(image, strings, ReadWord(image, entry + 8, "a version's name"));
                found.Add(new ElfVersionNeed(library, version, (flags & WeakFlag) != 0, index, at + 4));
                var nextVersion = ReadWord(image, entry + 12, "the next version");
                Require(nextVersion > 0 || versions == 1, "the list of versions ends early");
                entry += nextVersion;
            }

            var nextLibrary = ReadWord(image, offset + 12, "the next library");
            Require(nextLibrary > 0 || left == 1, "the list of libraries ends early");
            offset += nextLibrary;
        }

        return found;
    }

    private static List<Symbol> SymbolsCarrying(ReadOnlySpan<byte> image, Section[] sections, int versionIndex)
    {
        var carriers = new List<Symbol>();
        if (Find(sections, SectionVersionSymbols) is not { } versions)
        {
            return carriers;
        }

        var symbols = Linked(sections, versions, ".gnu.version");
        var strings = Linked(sections, symbols, ".dynsym");
        for (long i = 0; i < versions.Size / 2; i++)
        {
            if ((ReadHalf(image, versions.Offset + (2 * i), "a symbol's version") & VersionIndexMask) == versionIndex)
            {
                Require(Contains(symbols, symbols.Offset + (SymbolSize * i), SymbolSize), "a symbol is missing");
                var name = ReadWord(image, symbols.Offset + (SymbolSize * i), "a symbol's name");
                carriers.Add(new Symbol(i, ReadString(image, strings, name)));
            }
        }

        return carriers;
    }

    private static bool HasRelocation(ReadOnlySpan<byte> image, Section[] sections, long symbolIndex)
    {
        foreach (var section in sections)
        {
            var entry = section.Type switch { SectionRela => 24, SectionRel => 16, _ => 0 };
            if (entry == 0 || Linked(sections, section, "a relocation section").Type != SectionDynamicSymbols)
            {
                continue;
            }

            // r_info stands 8 bytes into an entry; its upper half is the symbol's number.
            for (var at = section.Offset; at + entry <= section.Offset + section.Size; at += entry)
            {
                if (ReadWord(image, at + 12, "a relocation") == symbolIndex)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static Section[] Sections(ReadOnlySpan<byte> image)
    {
        Require(image.Length >= HeaderSize && image[..4].SequenceEqual("\u007fELF"u8), "it is not an ELF file");
        Require(image[4] == 2 && image[5] == 1, "it is an ELF file of another kind than 64-bit little-endian");
        var start = ReadLong(image, 0x28, "the section headers' place");
        var size = ReadHalf(image, 0x3a, "a section header's size");
        var count = ReadHalf(image, 0x3c, "the number of sections");
        Require(count > 0 && size == SectionSize, "it has no section headers (stripped, or not a shared library)");

        _ = Slice(image, start, count * SectionSize, "the section headers' end");
        var sections = new Section[count];
        for (var i = 0; i < count; i++)
        {
            var at = start + ((long)i * SectionSize);
            var section = new Section(
                ReadWord(image, at + 0x04, "a section's type"),
                ReadLong(image, at + 0x18, "a section's place"),
                ReadLong(image, at + 0x20, "a section's size"),
                ReadWord(image, at + 0x28, "a section's link"),
                ReadWord(image, at + 0x2c, "a section's count"));
            sections[i] = section;
        }

        return sections;
    }

    private static Section? Find(Section[] sections, uint type)
    {
        foreach (var section in sections)
        {
            if (section.Type == type)
            {
                return section;
            }
        }

        return null;
    }

    private static Section Linked(Section[] sections, Section section, string name)
    {
        Require(section.Link < sections.Length, $"{name} refers to a section that does not exist");
        return sections[section.Link];
    }

    private static bool Contains(Section section, long offset, int length) =>
        offset >= section.Offset && offset + length <= section.Offset + section.Size;

    private static string ReadString(ReadOnlySpan<byte> image, Section strings, uint offset)
    {
        var at = strings.Offset + offset;
        var end = strings.Offset + strings.Size;
        Require(offset < strings.Size && end <= image.Length, "a name lies outside its string table");
        var bytes = image[(int)at..(int)end];
        var length = bytes.IndexOf((byte)0);
        Require(length >= 0, "a name has no end");
        return Encoding.UTF8.GetString(bytes[..length]);
    }

    private static ushort ReadHalf(ReadOnlySpan<byte> image, long at, string what) =>
        BinaryPrimitives.ReadUInt16LittleEndian(Slice(image, at, 2, what));

    private static uint ReadWord(ReadOnlySpan<byte> image, long at, string what) =>
        BinaryPrimitives.ReadUInt32LittleEndian(Slice(image, at, 4, what));

    private static long ReadLong(ReadOnlySpan<byte> image, long at, string what)
    {
        var value = BinaryPrimitives.ReadInt64LittleEndian(Slice(image, at, 8, what));
        Require(value is >= 0 and <= int.MaxValue, $"{what} is out of range");
        return value;
    }

    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> image, long at, int length, string what)
    {
        Require(at >= 0 && at + length <= image.Length, $"it is truncated: {what} lies beyond its end");
        return image.Slice((int)at, length);
    }

    private static void Require(bool holds, string fault)
    {
        if (!holds)
        {
            throw new InvalidDataException($"{fault}; a whole ELF64 little-endian shared library is accepted.");
        }
    }

    private readonly record struct Section(uint Type, long Offset, long Size, uint Link, uint Info);

    private readonly record struct Symbol(long Index, string Name);
}
