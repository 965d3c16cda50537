using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Sparse access (Rae et al. 2016, arXiv 1610.09027, section 3), one function an equation. Weightings are
/// <c>[batch, heads, slots]</c>, never negative, and 0 for all but a few slots; usage is of all heads together, with one head.
/// Which slots are chosen is not differentiated, as in the paper.
/// </summary>
public static class SparseAddressing
{
    /// <summary>A slot counts as accessed where it is read or written with a weight greater than this, delta.</summary>
    public const double AccessThreshold = 0.005;

    /// <summary>
    /// The usage before the first step: when each slot was last accessed, in steps, the coming step being 0. Slot i of N counts
    /// as accessed at i - N, so that slots are taken in order.
    /// </summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    /// <returns>Usage, <c>[batch, 1, slots]</c>.</returns>
    public static Tensor FirstUsage(Tensor memory)
    {
        var slots = memory.shape[1];
        var usage = arange(-slots, 0, dtype: ScalarType.Int64, device: memory.device).to(memory.dtype);
        return usage.expand(memory.shape[0], 1, slots);
    }

    /// <summary>The least recently used slots (section 3.2): those of least usage; of equal ones the first.</summary>
    /// <param name="usage">Usage, <c>[batch, 1, slots]</c>.</param>
    /// <param name="heads">The number of heads n, at most the number of slots.</param>
    /// <returns>For head h the indicator of the h-th least recently used slot, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor LeastRecentlyUsed(Tensor usage, int heads)
    {
        var (batch, slots) = (usage.shape[0], usage.shape[2]);
        var order = usage.sort(dim: -1, descending: false, stable: true).Indices.narrow(-1, 0, heads).transpose(1, 2);
        var nowhere = zeros(batch, heads, slots, usage.dtype, usage.device);
        return nowhere.scatter(-1, order, ones(batch, heads, 1, usage.dtype, usage.device));
    }

    /// <summary>
    /// Write weightings (equation 5): <c>w = alpha (gamma r' + (1 - gamma) u)</c>: to what was read last, or to the least recently
    /// used slot.
    /// </summary>
    /// <param name="writeGate">Write gate alpha in [0, 1], <c>[batch, heads, 1]</c>.</param>
    /// <param name="gate">Interpolation gate gamma in [0, 1], <c>[batch, heads, 1]</c>.</param>
    /// <param name="lastRead">Read weightings r' one step ago, <c>[batch, heads, slots]</c>.</param>
    /// <param name="leastUsed">The least recently used slots u, <c>[batch, heads, slots]</c>.</param>
    /// <returns>Weightings that sum to at most 1, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor WriteWeighting(Tensor writeGate, Tensor gate, Tensor lastRead, Tensor leastUsed) =>
        writeGate * Addressing.Interpolate(gate, lastRead, leastUsed);

    /// <summary>
    /// The nearest slots: those of greatest cosine similarity with each key, the greatest first; of equal ones the first.
    /// </summary>
    /// <param name="key">Keys, <c>[batch, heads, width]</c>.</param>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <param name="count">How many, K; at most the number of slots.</param>
    /// <returns>Their numbers, <c>[batch, heads, K]</c>.</returns>
    public static Tensor NearestSlots(Tensor key, Tensor memory, int count)
    {
        using var constant = no_grad();
        return Similarity(key, memory.unsqueeze(1)).sort(dim: -1, descending: true, stable: true).Indices.narrow(-1, 0, count);
    }

    /// <summary>
    /// Read weightings (section 3.1): the softmax of key strength times cosine similarity over the nearest slots, 0 elsewhere.
    /// </summary>
    /// <param name="key">Keys, <c>[batch, heads, width]</c>.</param>
    /// <param name="keyStrength">Key strength beta, at least 0, <c>[batch, heads, 1]</c>.</param>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <param name="nearest">The nearest slots, <c>[batch, heads, K]</c>.</param>
    /// <returns>Weightings that sum to 1, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor ReadWeighting(Tensor key, Tensor keyStrength, Tensor memory, Tensor nearest)
    {
        var (batch, heads, count) = (nearest.shape[0], nearest.shape[1], nearest.shape[2]);
        var (slots, width) = (memory.shape[1], memory.shape[2]);
        var rows = memory.unsqueeze(1).expand(batch, heads, slots, width)
            .gather(2, nearest.unsqueeze(-1).expand(batch, heads, count, width));
        var weights = nn.functional.softmax(keyStrength * Similarity(key, rows), dim: -1);
        return zeros(batch, heads, slots, memory.dtype, memory.device).scatter(-1, nearest, weights);
    }

    /// <summary>Usage after an access (section 3.2): 0, this step, where a weight of any head exceeds the threshold.</summary>
    /// <param name="usage">Usage before it, <c>[batch, 1, slots]</c>.</param>
    /// <param name="weighting">Read or write weightings, <c>[batch, heads, slots]</c>.</param>
    /// <returns>Usage, <c>[batch, 1, slots]</c>.</returns>
    public static Tensor UsageAfterAccess(Tensor usage, Tensor weighting) =>
        usage.detach().masked_fill(weighting.detach().amax([1], true).gt(Constants.AccessThreshold), Constants.Zero);

    /// <summary>Usage as the next step sees it: everything is one step longer ago.</summary>
    /// <param name="usage">Usage, <c>[batch, 1, slots]</c>.</param>
    public static Tensor NextUsage(Tensor usage) => usage.sub(Constants.One);

    /// <summary>
    /// <see cref="Addressing.CosineSimilarity"/>, every one summed in the same order: equal slots are equally similar to the last bit,
    /// which a matrix product does not promise.
    /// </summary>
    /// <param name="key">Keys, <c>[batch, heads, width]</c>.</param>
    /// <param name="slots">Slots, <c>[batch, heads or 1, slots, width]</c>.</param>
    private static Tensor Similarity(Tensor key, Tensor slots)
    {
        var norms = Addressing.Norm(key).unsqueeze(-1) * Addressing.Norm(slots);
        return (key.unsqueeze(2) * slots).sum(-1) / norms.add(Constants.CosineEpsilon, Constants.One);
    }
}
