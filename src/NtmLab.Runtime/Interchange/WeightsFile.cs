using System.Text;
using NtmLab.Data;
using static TorchSharp.torch;

namespace NtmLab.Interchange;

/// <summary>
/// Named tensors in a file that other programs read and write: a <c>state_dict</c> as <c>torch.save</c> writes it, or safetensors.
/// What a file is, is seen from its first bytes.
/// </summary>
public static class WeightsFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="format"><see cref="ExportFormat.Pytorch"/> or <see cref="ExportFormat.Safetensors"/>.</param>
    /// <param name="tensors">The tensors by name, in the order of the file.</param>
    /// <exception cref="RunException">The file cannot be written; an older one is intact.</exception>
    public static void Write(string path, ExportFormat format, IEnumerable<(string Name, Tensor Value)> tensors)
    {
        using var scope = NewDisposeScope();
        var plain = tensors.ToDictionary(named => named.Name, named => named.Value.detach().cpu().contiguous());
        AtomicFile.Write(path, stream =>
        {
            if (format == ExportFormat.Pytorch)
            {
                TorchSharp.PyBridge.PyTorchPickler.PickleStateDict(stream, plain, leaveOpen: true);
            }
            else
            {
                TorchSharp.PyBridge.Safetensors.SaveStateDict(stream, plain, leaveOpen: true);
            }
        });
    }

    /// <summary>Reads a file; nothing in it is executed. The tensors belong to the caller's dispose scope.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The tensors by name, as they are in the file, and which format it has.</returns>
    /// <exception cref="DataException">The file is missing, damaged, or holds something else than named tensors.</exception>
    public static (IReadOnlyDictionary<string, Tensor> Tensors, ExportFormat Format) Read(string path)
    {
        using var file = DataFile.Open(path);
        if (DataFile.Begins(file, "PK"u8))
        {
            return (ReadPyTorch(path, file), ExportFormat.Pytorch);
        }

        Span<byte> first = stackalloc byte[sizeof(long) + 1];
        var read = file.ReadAtLeast(first, first.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return read == first.Length && first[^1] == (byte)'{'
            ? (ReadSafetensors(path, file), ExportFormat.Safetensors)
            : throw DataFile.Fault(
                path, "is neither a state_dict as torch.save has written it since PyTorch 1.6, nor a safetensors file");
    }

    private static Dictionary<string, Tensor> ReadPyTorch(string path, FileStream file)
    {
        var found = Guarded(
            path,
            "cannot be read as a state_dict; names with tensors of their own, saved by "
                + "torch.save({k: v.cpu().clone() for k, v in model.state_dict().items()}, FILE), are wanted",
            () => TorchSharp.PyBridge.PyTorchUnpickler.UnpickleStateDict(file, leaveOpen: true) ?? throw new InvalidDataException());
        var tensors = new Dictionary<string, Tensor>();
        foreach (System.Collections.DictionaryEntry entry in found)
        {
            tensors[$"{entry.Key}"] = entry.Value as Tensor ?? throw DataFile.Fault(
                path, $"holds '{entry.Key}', which is no tensor; a state_dict alone is wanted, names with tensors");
        }

        return tensors;
    }

    private static Dictionary<string, Tensor> ReadSafetensors(string path, FileStream file) => Guarded(
        path,
        "cannot be read as safetensors; it is damaged, or holds tensors of a type that is not known",
        () =>
        {
            RequireHeader(file);
            return TorchSharp.PyBridge.Safetensors.LoadStateDict(file, leaveOpen: true);
        });

    /// <summary>Fails where the header would be longer than the file, so that its length is not asked of memory.</summary>
    private static void RequireHeader(FileStream file)
    {
        using var reader = new BinaryReader(file, Encoding.UTF8, leaveOpen: true);
        if (reader.ReadUInt64() > (ulong)file.Length)
        {
            throw new InvalidDataException();
        }

        file.Position = 0;
    }

    /// <summary>Reads; the library tells damaged and foreign files by exceptions of many types.</summary>
    private static T Guarded<T>(string path, string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is not (NtmLabException or OutOfMemoryException))
        {
            throw DataFile.Fault(path, what, fault);
        }
    }
}
