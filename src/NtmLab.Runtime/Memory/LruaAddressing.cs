using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Least recently used access (Santoro et al. 2016, arXiv 1605.06065, section 3), one function an equation. Weightings are
/// <c>[batch, heads, slots]</c> and never negative; usage and the least used slots are of all heads together, with one head.
/// </summary>
public static class LruaAddressing
{
    /// <summary>
    /// Usage after the write (equation 5, first half): <c>gamma u' + sum_h w_h</c>. Usage only says which slots come first: no
    /// gradient passes through it.
    /// </summary>
    /// <param name="last">Usage u' one step ago, <c>[batch, 1, slots]</c>.</param>
    /// <param name="decay">What is left of it, gamma.</param>
    /// <param name="write">Write weightings w, <c>[batch, heads, slots]</c>.</param>
    /// <returns>Usage, <c>[batch, 1, slots]</c>.</returns>
    public static Tensor UsageAfterWrite(Tensor last, Scalar decay, Tensor write) =>
        (last * decay) + write.detach().sum(1L, true);

    /// <summary>Usage after the read (equation 5, second half): <c>u + sum_h w_h</c>; no gradient here either.</summary>
    /// <param name="usage">Usage u after the write, <c>[batch, 1, slots]</c>.</param>
    /// <param name="read">Read weightings w, <c>[batch, heads, slots]</c>.</param>
    /// <returns>Usage, <c>[batch, 1, slots]</c>.</returns>
    public static Tensor UsageAfterRead(Tensor usage, Tensor read) => usage + read.detach().sum(1L, true);

    /// <summary>
    /// The least used slots (equation 6): 1 for the n slots of least usage, 0 for all others. The paper's comparison with the n-th
    /// smallest usage would take every slot that equals it, at first all; here the first ones of equally used slots are taken, so
    /// that there are always n.
    /// </summary>
    /// <param name="usage">Usage, <c>[batch, 1, slots]</c>.</param>
    /// <param name="count">n, at most the number of slots.</param>
    /// <returns>The indicator, <c>[batch, 1, slots]</c>.</returns>
    public static Tensor LeastUsed(Tensor usage, int count)
    {
        var order = usage.sort(dim: -1, descending: false, stable: true).Indices.narrow(-1, 0, count);
        return zeros_like(usage).scatter(-1, order, ones_like(usage).narrow(-1, 0, count));
    }

    /// <summary>Write weightings (equation 7): <c>w = g w' + (1 - g) l</c>: to what was read last, or to the least used slots.</summary>
    /// <param name="gate">Gate g in [0, 1], the logistic function of the paper's alpha, <c>[batch, heads, 1]</c>.</param>
    /// <param name="lastRead">Read weightings w' one step ago, <c>[batch, heads, slots]</c>.</param>
    /// <param name="leastUsed">The least used slots l of one step ago, <c>[batch, 1, slots]</c>.</param>
    /// <returns>Weightings, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor WriteWeighting(Tensor gate, Tensor lastRead, Tensor leastUsed) =>
        Addressing.Interpolate(gate, lastRead, leastUsed);

    /// <summary>Read weightings (equations 2 and 3): the softmax over slots of the cosine similarity, without a key strength.</summary>
    /// <param name="key">Keys, <c>[batch, heads, width]</c>.</param>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <returns>Weightings that sum to 1, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor ReadWeighting(Tensor key, Tensor memory) =>
        nn.functional.softmax(Addressing.CosineSimilarity(key, memory), dim: -1);
}
