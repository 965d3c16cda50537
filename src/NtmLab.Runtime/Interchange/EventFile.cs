using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace NtmLab.Interchange;

/// <summary>
/// An event file of TensorBoard: records of TensorFlow's TFRecord format, each with the checksums of its length and its content, the
/// first of which names the version. Written here because TorchSharp's <c>SummaryWriter</c> keeps times in single precision, to
/// about two minutes, counts steps in 32 bits, and opens the file anew for every number.
/// </summary>
/// <param name="stream">Where the file goes.</param>
internal sealed class EventFile(Stream stream)
{
    /// <summary>Begins the file.</summary>
    /// <param name="time">When.</param>
    public void Begin(DateTimeOffset time) => Write(new Event { WallTime = Seconds(time), FileVersion = "brain.Event:2" });

    /// <summary>Writes numbers of one step.</summary>
    /// <param name="time">When.</param>
    /// <param name="step">The step.</param>
    /// <param name="scalars">The numbers with their tags; single precision is all that the format has.</param>
    public void Add(DateTimeOffset time, long step, IEnumerable<(string Tag, double Value)> scalars)
    {
        var summary = new Summary();
        summary.Value.AddRange(scalars.Select(scalar => new Summary.Types.Value
        {
            Tag = scalar.Tag,
            SimpleValue = (float)scalar.Value,
        }));
        Write(new Event { WallTime = Seconds(time), Step = step, Summary = summary });
    }

    private static double Seconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).TotalSeconds;

    private void Write(Event content)
    {
        var bytes = content.ToByteArray();
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, bytes.Length);
        stream.Write(length);
        WriteChecksum(length);
        stream.Write(bytes);
        WriteChecksum(bytes);
    }

    /// <summary>CRC-32C, turned by 15 bits and moved by a constant, so that checksums of what holds checksums stay good.</summary>
    private void WriteChecksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        Span<byte> masked = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(masked, BitOperations.RotateRight(~crc, 15) + 0xa282ead8);
        stream.Write(masked);
    }
}
