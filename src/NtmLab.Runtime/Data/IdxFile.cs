using System.Buffers.Binary;

namespace NtmLab.Data;

/// <summary>
/// A file of the IDX format, plain or packed by gzip: the format of the MNIST digits (LeCun, Cortes, Burges 1998, "The MNIST
/// database of handwritten digits", section "the IDX file format"). With 2 items of 2 x 2 bytes:
/// <code>
/// 00 00 08 03    two zeros, the type of the values, the number of dimensions
/// 00 00 00 02    each dimension, most significant byte first
/// 00 00 00 02
/// 00 00 00 02
/// 10 11 12 13    the values, last dimension fastest, most significant byte first
/// 20 21 22 23
/// </code>
/// All values are held in memory, in the type of the file.
/// </summary>
public sealed class IdxFile
{
    private const int DimensionSize = 4;

    private readonly byte[] _values;

    private IdxFile(string path, IdxType type, int[] dimensions, byte[] values)
    {
        Path = path;
        Type = type;
        Dimensions = dimensions;
        ItemLength = dimensions.Skip(1).Aggregate(1, (product, size) => product * size);
        _values = values;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The type of its values.</summary>
    public IdxType Type { get; }

    /// <summary>The size of each dimension; the first one counts items.</summary>
    public IReadOnlyList<int> Dimensions { get; }

    /// <summary>The number of items.</summary>
    public int Count => Dimensions[0];

    /// <summary>Values in each item.</summary>
    public int ItemLength { get; }

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DataException">
    /// It is missing, is no IDX file, promises more values than memory can hold, or holds more or fewer than it promises.
    /// </exception>
    public static IdxFile Read(string path)
    {
        using var stream = DataFile.OpenUnpacked(path);
        try
        {
            return Read(path, stream);
        }
        catch (Exception fault) when (DataFile.IsOfReading(fault))
        {
            throw DataFile.Fault(path, "cannot be read to its end", fault);
        }
    }

    /// <summary>Reads items and their labels, one number each.</summary>
    /// <exception cref="DataException">
    /// A file is faulty as in <see cref="Read(string)"/>, labels are not single numbers, or their count is another one.
    /// </exception>
    public static (IdxFile Items, IdxFile Labels) ReadLabelled(string items, string labels)
    {
        var (read, labelling) = (Read(items), Read(labels));
        if (labelling.Dimensions.Count != 1)
        {
            throw DataFile.Fault(labels, $"has {labelling.Dimensions.Count} dimensions; labels have 1");
        }

        return read.Count == labelling.Count
            ? (read, labelling)
            : throw DataFile.Fault(labels, $"holds {labelling.Count} labels; '{items}' holds {read.Count} items");
    }

    /// <summary>Copies an item, in the order of the file.</summary>
    /// <param name="item">Which, from 0.</param>
    /// <param name="destination"><see cref="ItemLength"/> values.</param>
    public void CopyItem(int item, Span<float> destination)
    {
        var size = Size(Type);
        var bytes = _values.AsSpan(checked(item * ItemLength * size), ItemLength * size);
        for (var i = 0; i < ItemLength; i++)
        {
            destination[i] = Value(bytes.Slice(i * size, size));
        }
    }

    private static IdxFile Read(string path, Stream stream)
    {
        Span<byte> magic = stackalloc byte[DimensionSize];
        var read = stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        var type = (IdxType)magic[2];
        if (read < magic.Length || magic[0] != 0 || magic[1] != 0 || !Enum.IsDefined(type) || magic[3] == 0)
        {
            var found = Convert.ToHexString(magic[..read]);
            throw DataFile.Fault(
                path, $"begins with {found}, which no IDX file does; 0000TTDD is wanted, a type and a number of dimensions");
        }

        var sizes = new byte[magic[3] * DimensionSize];
        if (stream.ReadAtLeast(sizes, sizes.Length, throwOnEndOfStream: false) < sizes.Length)
        {
            throw DataFile.Fault(path, $"ends within its {magic[3]} dimensions");
        }

        var dimensions = new int[magic[3]];
        UInt128 values = 1;
        for (var i = 0; i < dimensions.Length; i++)
        {
            var size = BinaryPrimitives.ReadUInt32BigEndian(sizes.AsSpan(i * DimensionSize));
            if (size == 0)
            {
                throw DataFile.Fault(path, "holds no values: one of its dimensions is 0");
            }

            values *= size;
            if (values * (uint)Size(type) > (UInt128)Array.MaxLength)
            {
                throw DataFile.Fault(path, $"promises more than the {Array.MaxLength} bytes of values that are accepted");
            }

            dimensions[i] = (int)size;
        }

        return new IdxFile(path, type, dimensions, ReadValues(path, stream, (int)values, Size(type)));
    }

    private static byte[] ReadValues(string path, Stream stream, int count, int size)
    {
        const int FirstBlock = 1 << 20;

        // What a broken header promises is not allocated before it was seen.
        var (bytes, read, wanted) = (new byte[Math.Min(FirstBlock, count * size)], 0, count * size);
        while (true)
        {
            var block = stream.ReadAtLeast(bytes.AsSpan(read), bytes.Length - read, throwOnEndOfStream: false);
            read += block;
            if (read < bytes.Length)
            {
                throw DataFile.Fault(path, $"is truncated: {count} values are promised, {read / size} found");
            }

            if (read == wanted)
            {
                break;
            }

            Array.Resize(ref bytes, (int)Math.Min(2L * bytes.Length, wanted));
        }

        return stream.ReadByte() < 0
            ? bytes
            : throw DataFile.Fault(path, $"goes on after the {count} values that it promises");
    }

    private static int Size(IdxType type) => type switch
    {
        IdxType.UnsignedByte or IdxType.SignedByte => 1,
        IdxType.TwoByteInteger => 2,
        IdxType.DoublePrecision => 8,
        _ => 4,
    };

    private float Value(ReadOnlySpan<byte> bytes) => Type switch
    {
        IdxType.UnsignedByte => bytes[0],
        IdxType.SignedByte => (sbyte)bytes[0],
        IdxType.TwoByteInteger => BinaryPrimitives.ReadInt16BigEndian(bytes),
        IdxType.FourByteInteger => BinaryPrimitives.ReadInt32BigEndian(bytes),
        IdxType.SinglePrecision => BinaryPrimitives.ReadSingleBigEndian(bytes),
        _ => (float)BinaryPrimitives.ReadDoubleBigEndian(bytes),
    };
}

/// <summary>The types of values in IDX files, by the number that stands for them there.</summary>
public enum IdxType
{
    /// <summary>Whole numbers from 0 to 255.</summary>
    UnsignedByte = 0x08,

    /// <summary>Whole numbers from -128 to 127.</summary>
    SignedByte = 0x09,

    /// <summary>Whole numbers of 16 bits.</summary>
    TwoByteInteger = 0x0B,

    /// <summary>Whole numbers of 32 bits.</summary>
    FourByteInteger = 0x0C,

    /// <summary>Numbers of single precision.</summary>
    SinglePrecision = 0x0D,

    /// <summary>Numbers of double precision.</summary>
    DoublePrecision = 0x0E,
}
