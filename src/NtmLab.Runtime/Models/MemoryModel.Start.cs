using NtmLab.Configuration;
using NtmLab.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <content>What sequences start from: a blank memory, or one that the model is given.</content>
public sealed partial class MemoryModel
{
    /// <summary>
    /// What every sequence starts from in the place of a blank memory, a batch of 1; null for a blank memory. The controller starts
    /// as always, and so do the reads where none are given. Setting it copies the tensors.
    /// </summary>
    /// <exception cref="ConfigurationException">It is of another policy.</exception>
    /// <exception cref="ShapeException">It is of other sizes.</exception>
    public MemoryContents? StartFrom
    {
        get;
        set
        {
            if (value is not null)
            {
                RequireStart(value);
            }

            var kept = value?.Select(part => part.detach().clone().DetachFromDisposeScope());
            Discard(field);
            field = kept;
            FuseAgain();
        }
    }

    /// <summary>The reads that the first step sees, <c>[read heads, width]</c>.</summary>
    internal Tensor FirstReads => StartFrom?.Reads is { } reads ? Like(reads.squeeze(0)) : InitialReads;

    /// <summary>Slots before the first step.</summary>
    private int FirstSlots => StartFrom?.Slots ?? (_policy.Grows ? 0 : Slots);

    /// <inheritdoc/>
    public override ModelState InitialState(long batch)
    {
        var reads = FirstReads.unsqueeze(0).expand(batch, -1, -1);
        if (StartFrom is { } start)
        {
            var each = start.Select(part => Like(part).expand([batch, .. part.shape[1..]]));
            return new State(_controller.Start(batch), reads, each.Memory, each.Policy);
        }

        var memory = Blank(0, FirstSlots).unsqueeze(0).expand(batch, -1, -1);
        return new State(_controller.Start(batch), reads, memory, _policy.Start(memory));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Tensor> TrainedStart => [.. _controller.InitialState, FirstReads];

    /// <inheritdoc/>
    protected override IEnumerable<Tensor> ConstantStart()
    {
        var start = StartFrom ?? BlankContents(FirstSlots);
        return [start.Memory[0], .. start.Policy.Tensors.Select(part => part[0].contiguous())];
    }

    /// <summary>What a memory of so many slots holds before anything is written, a batch of 1; without reads.</summary>
    internal MemoryContents BlankContents(int slots)
    {
        var memory = Blank(0, slots).unsqueeze(0);
        return new MemoryContents(memory, _policy.Start(memory));
    }

    /// <summary>
    /// The same with as many slots as the model has, those that come last blank; itself where the memory grows, and null where the
    /// policy cannot go on with more.
    /// </summary>
    internal MemoryContents? Extended(MemoryContents contents)
    {
        if (_policy.Grows || contents.Slots == Slots)
        {
            return contents;
        }

        var blank = BlankContents(Slots);
        return _policy.Extend(contents.Policy, contents.Slots, blank.Policy) is { } policy
            ? new MemoryContents(
                cat([contents.Memory, blank.Memory.narrow(1, contents.Slots, Slots - contents.Slots)], 1), policy, contents.Reads)
            : null;
    }

    private static void Discard(MemoryContents? contents)
    {
        foreach (var part in contents?.Tensors ?? [])
        {
            part.Dispose();
        }
    }

    private void RequireStart(MemoryContents start)
    {
        using var scope = NewDisposeScope();
        var owner = $"model '{GetName()}'";
        Shape.Require(
            owner, "the memory to start from [1, slots, width]", start.Memory, 1, _policy.Grows ? Shape.Any : Slots, Width);
        if (start.Slots > Slots)
        {
            throw new ShapeException($"{owner}: the memory to start from has {start.Slots} slots; at most {Slots} are wanted.");
        }

        if (start.Reads is { } reads)
        {
            Shape.Require(owner, "the reads to start from [1, read heads, width]", reads, 1, _policy.ReadHeads, Width);
        }

        var own = _policy.Start(start.Memory);
        if (own.GetType() != start.Policy.GetType() || !own.Names.SequenceEqual(start.Policy.Names))
        {
            throw new ConfigurationException($"{owner}: the memory to start from is of another policy; one of its own is wanted.");
        }

        foreach (var (name, wanted, part) in own.Names.Zip(own.Tensors, start.Policy.Tensors))
        {
            Shape.Require(owner, $"the policy's {name} to start from", part, wanted.shape);
        }
    }

    /// <summary>Slots that nothing was written to, <c>[count, width]</c>; a slot starts the same however many there are.</summary>
    private Tensor Blank(int first, int count)
    {
        var memory = HeldNumber.With(_options.InitialMemory, value => full([count, _policy.Width], value));
        if (_options.InitialSpread > 0)
        {
            var values = TensorMemory.Values(memory);
            for (var slot = 0; slot < count; slot++)
            {
                var random = new RandomStream(1, "initial memory", (ulong)(first + slot));
                foreach (ref var value in values.Slice(slot * _policy.Width, _policy.Width))
                {
                    value += (float)(_options.InitialSpread * random.NextNormal());
                }
            }
        }

        return Like(memory);
    }
}
