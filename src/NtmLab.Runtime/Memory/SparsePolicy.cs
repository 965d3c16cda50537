using NtmLab.Configuration;
using NtmLab.Kernels;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Sparse access memory (Rae et al. 2016, arXiv 1610.09027, section 3): each of H heads reads the K slots nearest to its query
/// and writes to what it read last, or to a slot that was not accessed for longest. A head's interface is its query and its add
/// vector, through tanh, its key strength, through softplus, and its write and interpolation gates, through the logistic
/// function. One more write head erases the H least recently used slots before the others add:
/// <c>M = M' (1 - sum_h u_h) + sum_h w_h a_h</c>.
/// </summary>
[CatalogName("sparse", "Reads the nearest slots only, writes to them or to the least recently used (Rae et al. 2016).")]
public sealed class SparsePolicy : MemoryPolicy
{
    private readonly int _nearest;
    private readonly double _initialKeyStrength;
    private readonly int _indexAbove;
    private readonly InterfaceLayout _layout = new();

    /// <summary>Makes the policy.</summary>
    /// <param name="width">The width M of a slot.</param>
    /// <param name="heads">The number of heads H that write and read.</param>
    /// <param name="nearest">The number of slots K that a head reads.</param>
    /// <param name="initialKeyStrength">The key strength that heads start with, about; greater than 0.</param>
    /// <param name="indexAbove">
    /// Slots held up to which the fused engine looks at every slot, see <see cref="SparseOptions.IndexAbove"/>; the reference engine
    /// always does.
    /// </param>
    public SparsePolicy(
        int width,
        int heads,
        int nearest,
        double initialKeyStrength = NtmOptions.NeutralKeyStrength,
        int indexAbove = SparseOptions.DefaultIndexAbove)
        : base("sparse", width, heads, heads + 1)
    {
        _nearest = nearest;
        _initialKeyStrength = initialKeyStrength;
        _indexAbove = indexAbove;
        _layout.Add("key", heads, width)
            .Add("keyStrength", heads, 1)
            .Add("writeGate", heads, 1)
            .Add("gate", heads, 1)
            .Add("add", heads, width);
    }

    /// <inheritdoc/>
    public override int InterfaceSize => _layout.Size;

    /// <summary>One slot for each head to write to, and as many as a head reads.</summary>
    public override int LeastSlots => Math.Max(ReadHeads, _nearest);

    /// <inheritdoc/>
    public override long StateSize(int slots) => (ReadHeads + 1L) * slots;

    /// <summary>
    /// One pass over the memory for each head's similarities, one for the slot norms, and the similarities of the slots read. The
    /// sort's comparisons are not counted.
    /// </summary>
    /// <param name="slots">The number of slots.</param>
    public override long MultiplyAddsPerStep(int slots) =>
        ((long)slots * Width * (ReadHeads + 1)) + ((long)ReadHeads * _nearest * ((2 * Width) + 2)) + (3L * ReadHeads * slots);

    /// <summary>
    /// What a step touches: of the memory the slots read last and the least recently used, of usage and weightings those and the slots
    /// read now.
    /// </summary>
    /// <param name="slots">The number of slots.</param>
    public override long WrittenPerStep(int slots)
    {
        var touched = ReadHeads * (_nearest + 1L);
        return (Math.Min(slots, touched) * Width) + (Math.Min(slots, touched + ((long)ReadHeads * _nearest)) * (ReadHeads + 1));
    }

    /// <inheritdoc/>
    public override NetworkShape FusedShape(
        int inputs, int outputs, Controller controller, int slots, float? blank) => new SparseShape(
        inputs,
        outputs,
        controller.Kind,
        controller.Layers,
        controller.Units,
        slots,
        Width,
        ReadHeads,
        _nearest,
        blank)
        {
            IndexAbove = _indexAbove,
        };

    /// <inheritdoc/>
    public override void StartBias(Span<float> bias)
    {
        if (_initialKeyStrength != NtmOptions.NeutralKeyStrength)
        {
            _layout.Part("keyStrength", bias).Fill(HeadActivations.InverseSoftplus(_initialKeyStrength));
        }
    }

    /// <summary>Nothing was read; slots count as accessed in their order.</summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    public override PolicyState Start(Tensor memory) => new SparsePolicyState(
        zeros(memory.shape[0], ReadHeads, memory.shape[1], memory.dtype, memory.device),
        SparseAddressing.FirstUsage(memory));

    /// <inheritdoc/>
    public override (WriteDecision Decision, PolicyState State) Write(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var last = (SparsePolicyState)state;
        var values = _layout.Split(GetName(), interfaceValues);
        var leastUsed = SparseAddressing.LeastRecentlyUsed(last.Usage, ReadHeads);
        var weighting = SparseAddressing.WriteWeighting(
            values["writeGate"].sigmoid(), values["gate"].sigmoid(), last.ReadWeighting, leastUsed);
        var add = values["add"].tanh();
        var nothing = zeros_like(add.narrow(1, 0, 1));
        var decision = new WriteDecision(
            cat([weighting, leastUsed.sum(1L, true)], 1),
            cat([zeros_like(add), ones_like(nothing)], 1),
            cat([add, nothing], 1));
        return (decision, last with { Usage = SparseAddressing.UsageAfterAccess(last.Usage, weighting) });
    }

    /// <inheritdoc/>
    public override (ReadDecision Decision, PolicyState State) Read(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var current = (SparsePolicyState)state;
        var values = _layout.Split(GetName(), interfaceValues);
        var key = values["key"].tanh();
        var keyStrength = HeadActivations.Softplus(values["keyStrength"]);
        var nearest = SparseAddressing.NearestSlots(key, memory, _nearest);
        var weighting = SparseAddressing.ReadWeighting(key, keyStrength, memory, nearest);
        var usage = SparseAddressing.NextUsage(SparseAddressing.UsageAfterAccess(current.Usage, weighting));
        return (new ReadDecision(weighting), new SparsePolicyState(weighting, usage));
    }
}

/// <summary>What a <see cref="SparsePolicy"/> carries from step to step.</summary>
/// <param name="ReadWeighting">The last read weightings, <c>[batch, heads, slots]</c>.</param>
/// <param name="Usage">When each slot was last accessed, in steps, the coming step being 0, <c>[batch, 1, slots]</c>.</param>
public sealed record SparsePolicyState(Tensor ReadWeighting, Tensor Usage) : PolicyState
{
    /// <inheritdoc/>
    public override IEnumerable<Tensor> Tensors => [ReadWeighting, Usage];

    /// <inheritdoc/>
    public override PolicyState With(IReadOnlyList<Tensor> tensors) => new SparsePolicyState(tensors[0], tensors[1]);
}
