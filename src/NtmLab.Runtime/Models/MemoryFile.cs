using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// What a memory holds after a sequence, on disk: a <see cref="TensorArchive{TState}"/> of one sequence's <c>memory</c>
/// <c>[slots, width]</c>, the policy's state tensors under <c>policy/</c>, the last <c>reads</c> <c>[read heads, width]</c>, and
/// <c>change</c> <c>[slots]</c>, how far each slot is from what it began with. Written atomically; checked in full before anything
/// is used. The reads are kept since the controller sees them in its next step: a model with a feed-forward controller, which has no
/// state of its own, goes on from a file with the bits of a sequence that was never cut. Of any other controller the state is not
/// kept: it begins as always.
/// </summary>
public static class MemoryFile
{
    /// <summary>The most bytes of tensors that a run keeps of a memory, 4 MiB.</summary>
    public const long SizeLimit = 4L << 20;

    private const string MemoryEntry = "memory";
    private const string ReadsEntry = "reads";
    private const string ChangeEntry = "change";
    private const string PolicyPrefix = "policy/";

    private static readonly TensorArchive<Description> Archive = new("memory file", version: 1);

    /// <summary>Bytes of the tensors that <see cref="Save"/> writes.</summary>
    /// <param name="contents">What the memory holds; the first sequence counts.</param>
    public static long Size(MemoryContents contents) =>
        contents.Tensors.Sum(part => part.numel() * part.element_size() / part.shape[0])
        + (contents.Slots * contents.Memory.element_size());

    /// <summary>Saves what a memory holds of the first sequence of a batch; the file's folder is made if missing.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="model">The model whose memory it is.</param>
    /// <param name="contents">What it holds, with the last reads: <see cref="MemoryModel.Contents"/>.</param>
    /// <param name="run">The id of the run that the model is of; empty if of none.</param>
    /// <param name="length">The length of the sequence, in its task's own measure.</param>
    /// <exception cref="RunException">The file cannot be written; an older one is intact.</exception>
    public static void Save(string path, MemoryModel model, MemoryContents contents, string run, int length)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var one = contents.Select(part => part[0]);
        var change = (one.Memory - model.BlankContents(contents.Slots).Memory[0]).square().sum(1L).sqrt();
        var reads = one.Reads ?? model.FirstReads;
        MakeFolderOf(path);
        Archive.Write(
            path,
            run,
            new Description(model.GetName(), contents.Slots, model.Width, length),
            Entries(one with { Reads = reads }).Append((ChangeEntry, change)));
    }

    /// <summary>Reads a file as it is, whatever model it is of; its tensors belong to the caller's dispose scope.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">The file is missing, truncated or foreign.</exception>
    public static SavedMemory Read(string path)
    {
        var content = Archive.Read(path);
        var state = content.State;
        return new SavedMemory(
            content.Run,
            state.Policy,
            state.Slots,
            state.Width,
            state.Length,
            content.Get(MemoryEntry),
            content.Get(ReadsEntry),
            content.Get(ChangeEntry),
            [
                .. content.Below(PolicyPrefix).Tensors
                    .Select(record => (record.Entry[PolicyPrefix.Length..], content.Get(record.Entry))),
            ]);
    }

    /// <summary>
    /// Reads what a memory held, for a model to start from: <see cref="MemoryModel.StartFrom"/>. A model with more slots than the
    /// file gets blank ones after them, where its policy can go on so. Of a policy that counts what it saved, the count goes on: a
    /// budget that is spent stays spent.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="model">A model of the same policy and width, and of as many slots or more.</param>
    /// <returns>The memory and the last reads of one sequence, a batch of 1.</returns>
    /// <exception cref="CheckpointException">The file is missing, truncated, foreign, or does not fit the model.</exception>
    public static MemoryContents Load(string path, MemoryModel model)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var content = Archive.Read(path);
        RequireFit(path, content.State, model);
        var blank = model.BlankContents(content.State.Slots) with { Reads = model.FirstReads.unsqueeze(0) };
        var contents = blank.Select(part => part.detach().clone());
        var change = contents.Memory[0].select(1, 0).clone();
        content.CopyTo(Entries(contents.Select(part => part[0])).Append((ChangeEntry, change)));
        var fitting = model.Extended(contents) ?? throw new CheckpointException(
            $"{path}: policy '{content.State.Policy}' has gone around its {content.State.Slots} slots, and no more can follow them; "
            + $"model.slots={content.State.Slots} is wanted.");
        return fitting.Select(part => part.MoveToOuterDisposeScope());
    }

    private static void RequireFit(string path, Description saved, MemoryModel model)
    {
        if (saved.Policy != model.GetName())
        {
            throw new CheckpointException(
                $"{path}: is the memory of policy '{saved.Policy}'; one of policy '{model.GetName()}' is wanted.");
        }

        if (saved.Width != model.Width)
        {
            throw new CheckpointException(
                $"{path}: holds slots of width {saved.Width}; the model's are of width {model.Width}, and only such fit.");
        }

        if (saved.Slots > model.Slots)
        {
            throw new CheckpointException(
                $"{path}: holds {saved.Slots} slots, more than the model's {model.Slots}; model.slots={saved.Slots} fits.");
        }
    }

    private static IEnumerable<(string Entry, Tensor Value)> Entries(MemoryContents one) =>
    [
        (MemoryEntry, one.Memory),
        (ReadsEntry, one.Reads!),
        .. one.Policy.Names.Zip(one.Policy.Tensors, (name, part) => (PolicyPrefix + name, part)),
    ];

    private static void MakeFolderOf(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{path}: its folder cannot be made ({fault.Message.TrimEnd('.')}).", fault);
        }
    }

    private sealed record Description(string Policy, int Slots, int Width, int Length);
}

/// <summary>What a <see cref="MemoryFile"/> holds.</summary>
/// <param name="Run">The id of the run that it is of; empty if of none.</param>
/// <param name="Policy">The name of the policy.</param>
/// <param name="Slots">The number of slots.</param>
/// <param name="Width">The width of a slot.</param>
/// <param name="Length">The length of the sequence that it comes from, in its task's own measure.</param>
/// <param name="Memory">The memory, <c>[slots, width]</c>.</param>
/// <param name="Reads">The last reads, <c>[read heads, width]</c>.</param>
/// <param name="Change">How far each slot is from what it began with, <c>[slots]</c>.</param>
/// <param name="PolicyState">The policy's state by name, as in its steps but for the batch.</param>
public sealed record SavedMemory(
    string Run,
    string Policy,
    int Slots,
    int Width,
    int Length,
    Tensor Memory,
    Tensor Reads,
    Tensor Change,
    IReadOnlyList<(string Name, Tensor Value)> PolicyState);
