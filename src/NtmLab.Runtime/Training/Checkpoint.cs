using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NtmLab.Configuration;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>
/// A trainer on disk: a zip archive with <c>manifest.json</c> (format, run, trainer state, and name, type, shape and
/// SHA-256 of every tensor), <c>manifest.sha256</c> (that of the manifest) and one stored entry of little-endian values per
/// tensor, under <c>model/</c> and <c>optimiser/</c>. Written atomically; checked in full before anything is restored.
/// </summary>
public static class Checkpoint
{
    private const string Format = "ntmlab checkpoint";
    private const int Version = 1;
    private const string ModelPrefix = "model/";
    private const string ManifestEntry = "manifest.json";
    private const string HashEntry = "manifest.sha256";

    /// <summary>Saves a trainer.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="trainer">The trainer, between two batches.</param>
    /// <param name="run">The run's id.</param>
    /// <exception cref="RunException">The file cannot be written; an older one is intact.</exception>
    public static void Save(string path, Trainer trainer, string run) => AtomicFile.Write(path, stream =>
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        var records = new List<TensorRecord>();
        foreach (var (entry, tensor) in Tensors(trainer))
        {
            using var scope = NewDisposeScope();
            var plain = tensor.detach().cpu().contiguous();
            var bytes = plain.bytes;
            records.Add(new TensorRecord(entry, plain.dtype.ToString(), plain.shape, Hash(bytes)));
            Put(archive, entry, bytes);
        }

        var manifest = JsonSerializer.SerializeToUtf8Bytes(
            new Manifest(Format, Version, run, trainer.State, records), ConfigurationJson.Options);
        Put(archive, ManifestEntry, manifest);
        Put(archive, HashEntry, Encoding.ASCII.GetBytes(Hash(manifest)));
    });

    /// <summary>Puts a saved trainer back: parameters, optimiser and position in the task's stream.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trainer">A trainer of the same configuration.</param>
    /// <exception cref="CheckpointException">
    /// The file is missing, truncated, foreign or of another configuration; the trainer is unchanged.
    /// </exception>
    public static void Restore(string path, Trainer trainer)
    {
        var (manifest, contents) = Read(path);
        Fill(path, Tensors(trainer), manifest.Tensors, contents);
        trainer.State = manifest.State;
    }

    /// <summary>Puts the saved parameters into a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">A model of the same configuration.</param>
    /// <exception cref="CheckpointException">
    /// The file is missing, truncated, foreign or of another configuration; the model is unchanged.
    /// </exception>
    public static void RestoreModel(string path, SequenceModel model)
    {
        var (manifest, contents) = Read(path);
        var records = manifest.Tensors.Where(record => record.Entry.StartsWith(ModelPrefix, StringComparison.Ordinal));
        Fill(path, ModelTensors(model), records, contents);
    }

    private static IEnumerable<(string Entry, Tensor Value)> Tensors(Trainer trainer) =>
        ModelTensors(trainer.Model).Concat(trainer.OptimiserState.Select(named => ($"optimiser/{named.Name}", named.Value)));

    private static IEnumerable<(string Entry, Tensor Value)> ModelTensors(SequenceModel model) =>
        model.state_dict().Select(pair => ($"{ModelPrefix}{pair.Key}", pair.Value));

    private static (Manifest Manifest, Dictionary<string, byte[]> Contents) Read(string path)
    {
        try
        {
            using var archive = ZipFile.OpenRead(path);
            var text = Get(archive, ManifestEntry) ?? throw Foreign(path);
            var manifest = JsonSerializer.Deserialize<Manifest>(text, ConfigurationJson.Options) ?? throw Foreign(path);
            if (manifest.Format != Format)
            {
                throw Foreign(path);
            }

            if (manifest.Version != Version)
            {
                throw new CheckpointException(
                    $"{path}: is a checkpoint of format version {manifest.Version}; this NtmLab reads version {Version}.");
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

            return (manifest, contents);
        }
        catch (FileNotFoundException fault)
        {
            throw new CheckpointException($"{path}: there is no such checkpoint.", fault);
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

    private static void Fill(
        string path,
        IEnumerable<(string Entry, Tensor Value)> targets,
        IEnumerable<TensorRecord> held,
        Dictionary<string, byte[]> contents)
    {
        using var scope = NewDisposeScope();
        var records = held.ToDictionary(record => record.Entry);
        var wanted = targets.ToArray();
        if (records.Keys.Except(wanted.Select(target => target.Entry)).FirstOrDefault() is { } surplus)
        {
            throw new CheckpointException($"{path}: is of another configuration: it holds {surplus}, which is not wanted.");
        }

        foreach (var (entry, value) in wanted)
        {
            if (!records.TryGetValue(entry, out var record))
            {
                throw new CheckpointException($"{path}: is of another configuration: it holds no {entry}.");
            }

            if (record.Type != value.dtype.ToString() || !record.Shape.SequenceEqual(value.shape))
            {
                throw new CheckpointException(
                    $"{path}: is of another configuration: {entry} is {record.Type} [{string.Join(", ", record.Shape)}], "
                    + $"{value.dtype} [{string.Join(", ", value.shape)}] is wanted.");
            }
        }

        using var noGradient = no_grad();
        foreach (var (entry, value) in wanted)
        {
            var plain = empty_like(value, device: CPU).contiguous();
            contents[entry].CopyTo(plain.bytes);
            value.copy_(plain);
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

    private static CheckpointException Foreign(string path) => new($"{path}: is not a checkpoint of NtmLab.");

    private static CheckpointException Damaged(string path, Exception? cause) =>
        new($"{path}: is truncated or damaged, or not a checkpoint of NtmLab; nothing was restored from it.", cause);

    private sealed record Manifest(
        string Format,
        int Version,
        string Run,
        TrainerState State,
        IReadOnlyList<TensorRecord> Tensors);

    private sealed record TensorRecord(string Entry, string Type, long[] Shape, string Sha256);
}
