using NtmLab.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Least recently used access, the policy of memory-augmented networks for one-shot learning (Santoro et al. 2016, arXiv
/// 1605.06065): what is new goes to the slots that were used least, or over what was read last. Each of H heads has a key, which
/// it writes and then reads with, and a gate; the interface is all keys, then all gates. One more write head erases the H least
/// used slots before the others add their keys: <c>M = M' (1 - l) + sum_h w_h k_h</c> (equation 8).
/// </summary>
[CatalogName("lrua", "Writes to the least recently used slots, reads by content (Santoro et al. 2016).")]
public sealed class LruaPolicy : MemoryPolicy
{
    private readonly Scalar _usageDecay;
    private readonly InterfaceLayout _layout = new();

    /// <summary>Makes the policy.</summary>
    /// <param name="width">The width M of a slot.</param>
    /// <param name="heads">The number of heads H that write and read.</param>
    /// <param name="usageDecay">What is left of the usage after a step, gamma.</param>
    public LruaPolicy(int width, int heads, double usageDecay)
        : base("lrua", width, heads, heads + 1)
    {
        _usageDecay = usageDecay.ToScalar();
        _layout.Add("key", heads, width).Add("gate", heads, 1);
    }

    /// <inheritdoc/>
    public override int InterfaceSize => _layout.Size;

    /// <summary>One slot for each head to write to.</summary>
    public override int LeastSlots => ReadHeads;

    /// <inheritdoc/>
    public override long StateSize(int slots) => (ReadHeads + 1L) * slots;

    /// <summary>
    /// One pass over the memory for each head's similarities, one for the slot norms, and the rest of addressing. The sort's
    /// comparisons are not counted.
    /// </summary>
    /// <param name="slots">The number of slots.</param>
    public override long MultiplyAddsPerStep(int slots) =>
        ((long)slots * Width * (ReadHeads + 1)) + (slots * ((5L * ReadHeads) + 1));

    /// <summary>Nothing was used or read.</summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    public override PolicyState Start(Tensor memory)
    {
        Tensor Zeros(long heads) => zeros(memory.shape[0], heads, memory.shape[1], memory.dtype, memory.device);
        return new LruaPolicyState(Zeros(1), Zeros(ReadHeads));
    }

    /// <inheritdoc/>
    public override (WriteDecision Decision, PolicyState State) Write(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var last = (LruaPolicyState)state;
        var values = _layout.Split(GetName(), interfaceValues);
        var key = values["key"];
        var leastUsed = LruaAddressing.LeastUsed(last.Usage, ReadHeads);
        var weighting = LruaAddressing.WriteWeighting(values["gate"].sigmoid(), last.ReadWeighting, leastUsed);
        var nothing = zeros_like(key.narrow(1, 0, 1));
        var decision = new WriteDecision(
            cat([weighting, leastUsed], 1),
            cat([zeros_like(key), ones_like(nothing)], 1),
            cat([key, nothing], 1));
        return (decision, last with { Usage = LruaAddressing.UsageAfterWrite(last.Usage, _usageDecay, weighting) });
    }

    /// <inheritdoc/>
    public override (ReadDecision Decision, PolicyState State) Read(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var current = (LruaPolicyState)state;
        var weighting = LruaAddressing.ReadWeighting(_layout.Split(GetName(), interfaceValues)["key"], memory);
        var usage = LruaAddressing.UsageAfterRead(current.Usage, weighting);
        return (new ReadDecision(weighting), new LruaPolicyState(usage, weighting));
    }
}

/// <summary>What an <see cref="LruaPolicy"/> carries from step to step.</summary>
/// <param name="Usage">Usage of each slot, <c>[batch, 1, slots]</c>.</param>
/// <param name="ReadWeighting">The last read weightings, <c>[batch, heads, slots]</c>.</param>
public sealed record LruaPolicyState(Tensor Usage, Tensor ReadWeighting) : PolicyState
{
    /// <inheritdoc/>
    public override IEnumerable<Tensor> Tensors => [Usage, ReadWeighting];

    /// <inheritdoc/>
    public override IEnumerable<string> Names => ["usage", "readWeighting"];

    /// <inheritdoc/>
    public override PolicyState With(IReadOnlyList<Tensor> tensors) => new LruaPolicyState(tensors[0], tensors[1]);
}
