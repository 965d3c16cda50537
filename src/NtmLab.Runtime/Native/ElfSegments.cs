using System.Buffers.Binary;

namespace NtmLab.Native;

/// <summary>Whether an ELF64 file holds all that its program headers promise, without reading the whole file.</summary>
/// <remarks>
/// The system's loader maps what the headers promise; when the file ends earlier (a full disk, a copy that was cut
/// off), the process dies of a bus error instead of getting a fault it could report.
/// </remarks>
internal static class ElfSegments
{
    private const int HeaderSize = 64;
    private const int SegmentSize = 56;

    /// <summary>Requires that every segment lies inside the file.</summary>
    /// <exception cref="InvalidDataException">It does not, or the file is not an ELF64 little-endian file.</exception>
    public static void RequireWhole(Stream file)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        var isElf = file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) == HeaderSize
            && header[..4].SequenceEqual("\u007fELF"u8) && header[4] == 2 && header[5] == 1;
        if (!isElf)
        {
            throw new InvalidDataException("it is not a 64-bit ELF file");
        }

        var start = BinaryPrimitives.ReadUInt64LittleEndian(header[0x20..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(header[0x38..]);
        var segments = new byte[count * SegmentSize];
        if (start > (ulong)file.Length || (ulong)segments.Length > (ulong)file.Length - start)
        {
            throw Truncated(file);
        }

        file.Position = (long)start;
        file.ReadExactly(segments);
        for (var at = 0; at < segments.Length; at += SegmentSize)
        {
            var offset = BinaryPrimitives.ReadUInt64LittleEndian(segments.AsSpan(at + 0x08));
            var size = BinaryPrimitives.ReadUInt64LittleEndian(segments.AsSpan(at + 0x20));
            if (offset > (ulong)file.Length || size > (ulong)file.Length - offset)
            {
                throw Truncated(file);
            }
        }
    }

    private static InvalidDataException Truncated(Stream file) =>
        new($"it is truncated: its headers promise more than its {file.Length} bytes");
}
