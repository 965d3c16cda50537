using static TorchSharp.torch;

namespace NtmLab;

/// <summary>What a <see cref="TensorArchive{TState}"/> held, checked against its hashes.</summary>
/// <param name="Path">The file, for messages.</param>
/// <param name="Run">The run's id.</param>
/// <param name="State">What is known of the tensors.</param>
/// <param name="Tensors">The tensors as the manifest describes them.</param>
/// <param name="Values">The values of each, by entry.</param>
internal sealed record TensorArchiveContent<TState>(
    string Path,
    string Run,
    TState State,
    IReadOnlyList<TensorRecord> Tensors,
    IReadOnlyDictionary<string, byte[]> Values)
{
    /// <summary>The content without the tensors whose entry does not begin with a prefix.</summary>
    public TensorArchiveContent<TState> Below(string prefix) =>
        this with { Tensors = [.. Tensors.Where(record => record.Entry.StartsWith(prefix, StringComparison.Ordinal))] };

    /// <summary>One tensor.</summary>
    /// <exception cref="CheckpointException">There is none of that entry, or its type is unknown.</exception>
    public Tensor Get(string entry)
    {
        var record = Tensors.FirstOrDefault(record => record.Entry == entry)
            ?? throw new CheckpointException($"{Path}: is of another configuration: it holds no {entry}.");
        if (!Enum.TryParse<ScalarType>(record.Type, out var type))
        {
            throw new CheckpointException($"{Path}: is of another configuration: {entry} is of type {record.Type}.");
        }

        var value = empty(record.Shape, type);
        (this with { Tensors = [record] }).CopyTo([(entry, value)]);
        return value;
    }

    /// <summary>Copies the tensors over others; all of them or, where one does not fit, none.</summary>
    /// <param name="targets">The tensors to copy over, by entry: exactly those that the archive holds.</param>
    /// <exception cref="CheckpointException">A tensor is missing, one too many, or of another type or shape.</exception>
    public void CopyTo(IEnumerable<(string Entry, Tensor Value)> targets)
    {
        using var scope = NewDisposeScope();
        var records = Tensors.ToDictionary(record => record.Entry);
        var wanted = targets.ToArray();
        if (records.Keys.Except(wanted.Select(target => target.Entry)).FirstOrDefault() is { } surplus)
        {
            throw new CheckpointException($"{Path}: is of another configuration: it holds {surplus}, which is not wanted.");
        }

        foreach (var (entry, value) in wanted)
        {
            if (!records.TryGetValue(entry, out var record))
            {
                throw new CheckpointException($"{Path}: is of another configuration: it holds no {entry}.");
            }

            if (record.Type != value.dtype.ToString() || !record.Shape.SequenceEqual(value.shape))
            {
                throw new CheckpointException(
                    $"{Path}: is of another configuration: {entry} is {record.Type} [{string.Join(", ", record.Shape)}], "
                    + $"{value.dtype} [{string.Join(", ", value.shape)}] is wanted.");
            }
        }

        using var noGradient = no_grad();
        foreach (var (entry, value) in wanted.Where(target => target.Value.numel() > 0))
        {
            var plain = empty_like(value, device: CPU).contiguous();
            Values[entry].CopyTo(plain.bytes);
            value.copy_(plain);
        }
    }
}
