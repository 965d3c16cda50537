using NtmLab.Configuration;
using NtmLab.Kernels;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// The policy of the Differentiable Neural Computer (Graves et al. 2016, Nature 538): one write head that may choose free slots,
/// and R read heads that look for content or follow the order of writes. The interface, in the paper's order:
/// <code>
/// read.key              R x width
/// read.keyStrength      R x 1       oneplus
/// write.key             1 x width
/// write.keyStrength     1 x 1       oneplus
/// write.erase           1 x width   logistic
/// write.vector          1 x width
/// read.freeGate         R x 1       logistic
/// write.allocationGate  1 x 1       logistic
/// write.gate            1 x 1       logistic
/// read.modes            R x 3       softmax over backward, content and forward; with links
/// read.mask             R x width   logistic; with masked content
/// write.mask            1 x width   logistic; with masked content
/// read.backwardSharpening, read.forwardSharpening  R x 1 each, oneplus; with sharpened links
/// </code>
/// Without links the read heads look for content only, and there are neither modes nor the state of links. With deallocation a
/// second write head, which adds nothing, erases what the free gates free: <c>M = (M' psi)(1 - w e) + w v</c> (Csordas and
/// Schmidhuber 2019).
/// </summary>
[CatalogName("dnc", "Content, allocation of free slots and the order of writes (Graves et al. 2016).")]
public sealed class DncPolicy : MemoryPolicy
{
    private readonly DncOptions _options;
    private readonly InterfaceLayout _layout = new();

    /// <summary>Makes the policy.</summary>
    /// <param name="options">Width, read heads and what the policy does; validated.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public DncPolicy(DncOptions options)
        : base("dnc", options.Width, options.ReadHeads, options.Deallocate ? 2 : 1)
    {
        options.Validate();
        _options = options;
        _layout.Add("read.key", ReadHeads, Width)
            .Add("read.keyStrength", ReadHeads, 1)
            .Add("write.key", 1, Width)
            .Add("write.keyStrength", 1, 1)
            .Add("write.erase", 1, Width)
            .Add("write.vector", 1, Width)
            .Add("read.freeGate", ReadHeads, 1)
            .Add("write.allocationGate", 1, 1)
            .Add("write.gate", 1, 1);
        if (options.Links)
        {
            _layout.Add("read.modes", ReadHeads, 3);
        }

        if (options.MaskContent)
        {
            _layout.Add("read.mask", ReadHeads, Width).Add("write.mask", 1, Width);
        }

        if (options.SharpenLinks)
        {
            _layout.Add("read.backwardSharpening", ReadHeads, 1).Add("read.forwardSharpening", ReadHeads, 1);
        }
    }

    /// <inheritdoc/>
    public override int InterfaceSize => _layout.Size;

    /// <summary>Usage, the read and the write weightings, and, with links, precedence and one link for each pair of slots.</summary>
    /// <param name="slots">The number of slots.</param>
    public override long StateSize(int slots) =>
        (slots * (ReadHeads + 2L)) + (_options.Links ? slots * (slots + 1L) : 0);

    /// <summary>
    /// One pass over the memory for each head's similarities and two for the slot norms, or two for each head under masks; three
    /// passes over the links for their update and two for each read head; and the rest of addressing. The sort's comparisons are
    /// not counted.
    /// </summary>
    /// <param name="slots">The number of slots.</param>
    public override long MultiplyAddsPerStep(int slots)
    {
        long heads = ReadHeads + 1, passes = _options.MaskContent ? 2 * heads : heads + 2;
        var links = _options.Links ? ((3L + (2 * ReadHeads)) * slots * slots) + (((3L * ReadHeads) + 1) * slots) : 0;
        var sharpening = _options.SharpenLinks ? 4L * ReadHeads * slots : 0;
        return (passes * slots * Width) + (((2 * heads) + ReadHeads + 7) * slots) + links + sharpening;
    }

    /// <summary>The kernel knows the policy of the paper, with links or without, not the improvements on it.</summary>
    /// <inheritdoc/>
    public override NetworkShape? FusedShape(
        int inputs, int outputs, Controller controller, int slots, float? blank) =>
        Unfused is not null
            ? null
            : new DncShape(
                inputs,
                outputs,
                controller.Kind,
                controller.Layers,
                controller.Units,
                slots,
                Width,
                ReadHeads,
                _options.Links);

    /// <inheritdoc/>
    public override string? Unfused =>
        _options.MaskContent ? "model.maskContent"
        : _options.Deallocate ? "model.deallocate"
        : _options.SharpenLinks ? "model.sharpenLinks"
        : null;

    /// <summary>Everything is zero, as in the paper: nothing is used, written, read or linked.</summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    public override PolicyState Start(Tensor memory)
    {
        var (batch, slots) = (memory.shape[0], memory.shape[1]);
        Tensor Zeros(long heads) => zeros(batch, heads, slots, memory.dtype, memory.device);
        var links = _options.Links ? new TemporalLinks(Zeros(1), Zeros(slots)) : null;
        return new DncPolicyState(Zeros(1), Zeros(ReadHeads), Zeros(1), links);
    }

    /// <inheritdoc/>
    public override (WriteDecision Decision, PolicyState State) Write(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var last = (DncPolicyState)state;
        var values = _layout.Split(GetName(), interfaceValues);
        var retention = DncAddressing.Retention(values["read.freeGate"].sigmoid(), last.ReadWeighting);
        var usage = DncAddressing.Usage(last.Usage, last.WriteWeighting, retention);
        var weighting = DncAddressing.WriteWeighting(
            values["write.gate"].sigmoid(),
            values["write.allocationGate"].sigmoid(),
            DncAddressing.Allocation(usage),
            Content("write", values, memory));
        var links = last.Links is null
            ? null
            : new TemporalLinks(
                DncAddressing.Precedence(last.Links.Precedence, weighting),
                DncAddressing.Links(last.Links.Matrix, last.Links.Precedence, weighting));

        var (erase, vector) = (values["write.erase"].sigmoid(), values["write.vector"]);
        var decision = _options.Deallocate
            ? new WriteDecision(
                cat([weighting, retention.neg().add(Constants.One, Constants.One)], 1),
                cat([erase, ones_like(erase)], 1),
                cat([vector, zeros_like(vector)], 1))
            : new WriteDecision(weighting, erase, vector);
        return (decision, new DncPolicyState(usage, last.ReadWeighting, weighting, links));
    }

    /// <inheritdoc/>
    public override (ReadDecision Decision, PolicyState State) Read(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var current = (DncPolicyState)state;
        var values = _layout.Split(GetName(), interfaceValues);
        var weighting = Content("read", values, memory);
        if (current.Links is not null)
        {
            var backward = DncAddressing.Backward(current.Links.Matrix, current.ReadWeighting);
            var forward = DncAddressing.Forward(current.Links.Matrix, current.ReadWeighting);
            if (_options.SharpenLinks)
            {
                Tensor Sharp(Tensor links, string part) =>
                    DncAddressing.SharpenLinks(links, HeadActivations.OnePlus(values[part]));
                backward = Sharp(backward, "read.backwardSharpening");
                forward = Sharp(forward, "read.forwardSharpening");
            }

            var modes = nn.functional.softmax(values["read.modes"], dim: -1);
            weighting = DncAddressing.ReadWeighting(modes, backward, weighting, forward);
        }

        return (new ReadDecision(weighting), current with { ReadWeighting = weighting });
    }

    private Tensor Content(string kind, IReadOnlyDictionary<string, Tensor> values, Tensor memory)
    {
        var key = values[$"{kind}.key"];
        var keyStrength = HeadActivations.OnePlus(values[$"{kind}.keyStrength"]);
        return _options.MaskContent
            ? DncAddressing.MaskedContent(key, keyStrength, values[$"{kind}.mask"].sigmoid(), memory)
            : Addressing.Content(key, keyStrength, memory);
    }
}

/// <summary>What a <see cref="DncPolicy"/> carries from step to step.</summary>
/// <param name="Usage">Usage of each slot in [0, 1], <c>[batch, 1, slots]</c>.</param>
/// <param name="ReadWeighting">The last read weightings, <c>[batch, read heads, slots]</c>.</param>
/// <param name="WriteWeighting">The last write weighting, <c>[batch, 1, slots]</c>.</param>
/// <param name="Links">The order of writes; null for a policy without links.</param>
public sealed record DncPolicyState(Tensor Usage, Tensor ReadWeighting, Tensor WriteWeighting, TemporalLinks? Links)
    : PolicyState
{
    /// <inheritdoc/>
    public override IEnumerable<Tensor> Tensors =>
        Links is null
            ? [Usage, ReadWeighting, WriteWeighting]
            : [Usage, ReadWeighting, WriteWeighting, Links.Precedence, Links.Matrix];

    /// <inheritdoc/>
    public override IEnumerable<string> Names =>
        Links is null
            ? ["usage", "readWeighting", "writeWeighting"]
            : ["usage", "readWeighting", "writeWeighting", "precedence", "links"];

    /// <inheritdoc/>
    public override PolicyState With(IReadOnlyList<Tensor> tensors) => new DncPolicyState(
        tensors[0], tensors[1], tensors[2], Links is null ? null : new TemporalLinks(tensors[3], tensors[4]));
}

/// <summary>The order of writes.</summary>
/// <param name="Precedence">How far each slot was the last one written, <c>[batch, 1, slots]</c>.</param>
/// <param name="Matrix">How far slot i was written next after slot j, <c>[batch, i, j]</c>.</param>
public sealed record TemporalLinks(Tensor Precedence, Tensor Matrix);
