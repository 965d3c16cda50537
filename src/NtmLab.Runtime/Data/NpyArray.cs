using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace NtmLab.Data;

/// <summary>
/// An array in NumPy's format, read from front to back (NEP 1, versions 1 to 3): numbers, truth values and texts, in either
/// byte order, with the last index fastest.
/// </summary>
internal sealed partial class NpyArray : IDisposable
{
    private const int VersionSize = 2;
    private const int LongestHeader = 1 << 20;

    private readonly string _path;
    private readonly Stream _stream;
    private readonly bool _isBigEndian;
    private readonly char _kind;
    private readonly int _size;
    private byte[] _bytes = [];
    private long _read;

    /// <summary>Reads the header of an array.</summary>
    /// <param name="path">The archive, for messages.</param>
    /// <param name="name">The array's name in it.</param>
    /// <param name="stream">The array, which it then owns.</param>
    /// <exception cref="DataException">It is no array, or one of another kind.</exception>
    public NpyArray(string path, string name, Stream stream)
    {
        (_path, _stream, Name) = (path, stream, name);
        var header = Header();
        var type = TypeOf().Match(header);
        if (!type.Success)
        {
            throw Fault("is of a type that is not known; numbers, truth values and texts are accepted");
        }

        _isBigEndian = type.Groups["order"].Value == ">";
        _kind = type.Groups["kind"].Value[0];
        _size = int.Parse(type.Groups["size"].Value, CultureInfo.InvariantCulture) * (_kind == 'U' ? sizeof(int) : 1);
        var accepted = _kind switch
        {
            'f' => _size is 2 or 4 or 8,
            'i' or 'u' => _size is 1 or 2 or 4 or 8,
            'b' => _size == 1,
            _ => _size is > 0 and <= LongestHeader,
        };
        if (!accepted)
        {
            throw Fault($"is of type {type.Groups["type"].Value}, which is not known; numbers of 8 to 64 bits are accepted");
        }

        var shape = ShapeOf().Match(header);
        if (!shape.Success)
        {
            throw Fault("has a header without a shape");
        }

        Shape = shape.Groups["size"].Captures.Select(size => Size(size.Value)).ToArray();
        if (Shape.Count > 1 && IsFortran().IsMatch(header))
        {
            throw Fault("is in Fortran's order, first index fastest; C order, as numpy.ascontiguousarray gives, is wanted");
        }
    }

    /// <summary>The first bytes of every array.</summary>
    public static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>The array's name in its archive.</summary>
    public string Name { get; }

    /// <summary>The size of each dimension.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Whether it holds texts.</summary>
    public bool HoldsTexts => _kind is 'U' or 'S';

    /// <summary>The next numbers.</summary>
    /// <exception cref="DataException">The array ends before.</exception>
    public void Read(Span<float> destination)
    {
        var bytes = ReadBytes(destination.Length);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = Number(bytes.Slice(i * _size, _size));
        }
    }

    /// <summary>The next text.</summary>
    /// <exception cref="DataException">The array ends before.</exception>
    public string ReadText()
    {
        var bytes = ReadBytes(1);
        var encoding = _kind == 'U' ? new UTF32Encoding(_isBigEndian, byteOrderMark: false) : Encoding.UTF8;
        return encoding.GetString(bytes).TrimEnd('\0');
    }

    /// <summary>Requires that nothing follows the last value.</summary>
    /// <exception cref="DataException">Something does.</exception>
    public void RequireEnd()
    {
        if (_stream.ReadByte() >= 0)
        {
            throw Fault($"goes on after the {_read} values that it promises");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    [GeneratedRegex("""'descr'\s*:\s*'(?<type>(?<order>[<>|=]?)(?<kind>[fiubUS])(?<size>\d{1,6}))'""")]
    private static partial Regex TypeOf();

    [GeneratedRegex("""'shape'\s*:\s*\(\s*(?:(?<size>\d+)\s*,?\s*)*\)""")]
    private static partial Regex ShapeOf();

    [GeneratedRegex("""'fortran_order'\s*:\s*True""")]
    private static partial Regex IsFortran();

    private static float Whole(ulong bits, int size, bool isSigned) =>
        isSigned ? (long)(bits << (64 - (8 * size))) >> (64 - (8 * size)) : bits;

    private string Header()
    {
        Span<byte> magic = stackalloc byte[Magic.Length], version = stackalloc byte[VersionSize];
        if (!Fill(magic) || !magic.SequenceEqual(Magic) || !Fill(version))
        {
            throw Fault("is no array of NumPy's format");
        }

        // Version 1 gives the header's length in two bytes, later ones in four.
        var isLong = version[0] > 1;
        Span<byte> size = stackalloc byte[isLong ? sizeof(uint) : sizeof(ushort)];
        if (!Fill(size))
        {
            throw Fault("ends within its header");
        }

        var promised = isLong ? BinaryPrimitives.ReadUInt32LittleEndian(size) : BinaryPrimitives.ReadUInt16LittleEndian(size);
        var header = new byte[Math.Min(promised, LongestHeader)];
        return Fill(header) ? Encoding.UTF8.GetString(header) : throw Fault("ends within its header");
    }

    private long Size(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size > 0
            ? size
            : throw Fault($"has a dimension of {text}; 1 or more is wanted");

    private ReadOnlySpan<byte> ReadBytes(int count)
    {
        if (_bytes.Length < count * _size)
        {
            _bytes = new byte[count * _size];
        }

        var bytes = _bytes.AsSpan(0, count * _size);
        if (!Fill(bytes))
        {
            throw Fault($"is truncated: {Shape.Aggregate((UInt128)1, (product, size) => product * (ulong)size)} values are promised");
        }

        _read += count;
        return bytes;
    }

    private bool Fill(Span<byte> bytes)
    {
        try
        {
            return _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length;
        }
        catch (Exception fault) when (DataFile.IsOfReading(fault))
        {
            throw DataFile.Fault(_path, $"array '{Name}': cannot be unpacked", fault);
        }
    }

    private float Number(ReadOnlySpan<byte> bytes)
    {
        var bits = 0UL;
        for (var i = 0; i < bytes.Length; i++)
        {
            bits = (bits << 8) | bytes[_isBigEndian ? i : bytes.Length - 1 - i];
        }

        return (_kind, bytes.Length) switch
        {
            ('f', 2) => (float)BitConverter.UInt16BitsToHalf((ushort)bits),
            ('f', 4) => BitConverter.UInt32BitsToSingle((uint)bits),
            ('f', _) => (float)BitConverter.UInt64BitsToDouble(bits),
            ('b', _) => bits == 0 ? 0 : 1,
            _ => Whole(bits, bytes.Length, isSigned: _kind == 'i'),
        };
    }

    private DataException Fault(string what) => DataFile.Fault(_path, $"array '{Name}': {what}");
}
