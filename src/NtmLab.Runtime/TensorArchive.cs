using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab;

/// <summary>
/// Named tensors on disk, with what is known of them: a zip archive with <c>manifest.json</c> (format, run, state, and name, type,
/// shape and SHA-256 of every tensor), <c>manifest.sha256</c> (that of the manifest) and one stored entry of little-endian values per
/// tensor. Written atomically; checked in full before anything of it is used.
/// </summary>
/// <typeparam name="TState">What is known of the tensors.</typeparam>
/// <param name="kind">What such a file is, for its format and for messages, e.g. <c>checkpoint</c>.</param>
/// <param name="version">The version of the format.</param>
internal sealed class TensorArchive<TState>(string kind, int version)
    where TState : class
{
    private const string ManifestEntry = "manifest.json";
    private const string HashEntry = "manifest.sha256";

    private readonly string _format = $"ntmlab {kind}";

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="run">The run's id.</param>
    /// <param name="state">What is known of the tensors.</param>
    /// <param name="tensors">The tensors by entry.</param>
    /// <param name="previous">Where an older file is kept; null to let go of it.</param>
    /// <exception cref="RunException">The file cannot be written; an older one is intact.</exception>
    public void Write(
        string path, string run, TState state, IEnumerable<(string Entry, Tensor Value)> tensors, string? previous = null) =>
        AtomicFile.Write(path, Content(run, state, tensors), previous);

    private Action<Stream> Content(string run, TState state, IEnumerable<(string Entry, Tensor Value)> tensors) =>
        stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            var records = new List<TensorRecord>();
            foreach (var (entry, tensor) in tensors)
            {
                using var scope = NewDisposeScope();
                var plain = tensor.detach().cpu().contiguous();
                var bytes = plain.numel() == 0 ? [] : plain.bytes;
                records.Add(new TensorRecord(entry, plain.dtype.ToString(), plain.shape, Hash(bytes)));
                Put(archive, entry, bytes);
            }

            var manifest = JsonSerializer.SerializeToUtf8Bytes(
                new Manifest(_format, version, run, state, records), ConfigurationJson.Options);
            Put(archive, ManifestEntry, manifest);
            Put(archive, HashEntry, Encoding.ASCII.GetBytes(Hash(manifest)));
        };

    /// <summary>Reads a file and checks all of it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">The file is missing, truncated or foreign.</exception>
    public TensorArchiveContent<TState> Read(string path)
    {
        try
        {
            using var archive = ZipFile.OpenRead(path);
            var text = Get(archive, ManifestEntry) ?? throw Foreign(path);
            var manifest = JsonSerializer.Deserialize<Manifest>(text, ConfigurationJson.Options);
            if (manifest is not { State: not null } || manifest.Format != _format)
            {
                throw Foreign(path);
            }

            if (manifest.Version != version)
            {
                throw new CheckpointException(
                    $"{path}: is a {kind} of format version {manifest.Version}; this NtmLab reads version {version}.");
            }

            if (Get(archive, HashEntry) is not { } hash || Encoding.ASCII.GetString(hash) != Hash(text))
            {
                throw Damaged(path, null);
            }

            var contents = new Dictionary<string, byte[]>();
            foreach (var record in manifest.Tensors)
            {
                contents[record.Entry] = Get(archive, record.Entry) ?? throw Damaged(path, null);
                if (Hash(contents[record.Entry]) != record.Sha256)
                {
                    throw Damaged(path, null);
                }
            }

            return new TensorArchiveContent<TState>(path, manifest.Run, manifest.State, manifest.Tensors, contents);
        }
        catch (FileNotFoundException fault)
        {
            throw new CheckpointException($"{path}: there is no such {kind}.", fault);
        }
        catch (Exception fault) when (fault is InvalidDataException or JsonException or EndOfStreamException)
        {
            throw Damaged(path, fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read ({fault.Message.TrimEnd('.')}).", fault);
        }
    }

    private static void Put(ZipArchive archive, string entry, ReadOnlySpan<byte> bytes)
    {
        using var content = archive.CreateEntry(entry, CompressionLevel.NoCompression).Open();
        content.Write(bytes);
    }

    private static byte[]? Get(ZipArchive archive, string entry)
    {
        if (archive.GetEntry(entry) is not { } found)
        {
            return null;
        }

        using var memory = new MemoryStream();
        using var content = found.Open();
        content.CopyTo(memory);
        return memory.ToArray();
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private CheckpointException Foreign(string path) => new($"{path}: is not a {kind} of NtmLab.");

    private CheckpointException Damaged(string path, Exception? cause) =>
        new($"{path}: is truncated or damaged, or not a {kind} of NtmLab; nothing was restored from it.", cause);

    private sealed record Manifest(
        string Format, int Version, string Run, TState State, IReadOnlyList<TensorRecord> Tensors);
}

/// <summary>A tensor of an archive as its manifest describes it.</summary>
/// <param name="Entry">The archive's entry with its values.</param>
/// <param name="Type">The name of its type, e.g. <c>Float32</c>.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Sha256">The SHA-256 of its values.</param>
internal sealed record TensorRecord(string Entry, string Type, long[] Shape, string Sha256);
