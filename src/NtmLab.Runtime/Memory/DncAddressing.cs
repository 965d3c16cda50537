using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// The addressing mechanism of the Differentiable Neural Computer (Graves et al. 2016, Nature 538, methods), one function an
/// equation. Weightings are <c>[batch, heads, slots]</c>, non-negative, and sum to at most 1 over slots; what there is one of,
/// like the usage, has one head.
/// </summary>
public static class DncAddressing
{
    /// <summary>What every slot has before forward and backward weightings are sharpened (Csordas and Schmidhuber 2019).</summary>
    public const double LinkEpsilon = 1e-6;

    /// <summary>Memory retention: <c>psi = prod_h (1 - f_h w_h)</c>, what the free gates leave of each slot's usage.</summary>
    /// <param name="freeGate">Free gates f in [0, 1], <c>[batch, read heads, 1]</c>.</param>
    /// <param name="lastRead">Read weightings one step ago, <c>[batch, read heads, slots]</c>.</param>
    /// <returns>Retention in [0, 1], <c>[batch, 1, slots]</c>.</returns>
    public static Tensor Retention(Tensor freeGate, Tensor lastRead) =>
        (freeGate * lastRead).neg().add(Constants.One, Constants.One).prod(1L, true);

    /// <summary>
    /// Usage: <c>u = (u' + w - u' w) psi</c>: grows where something was written, falls where what was read may go. DeepMind's
    /// code lets no gradient pass to w; here it does, as in the paper's equation.
    /// </summary>
    /// <param name="last">Usage u' one step ago, in [0, 1], <c>[batch, 1, slots]</c>.</param>
    /// <param name="lastWrite">Write weighting w one step ago, <c>[batch, 1, slots]</c>.</param>
    /// <param name="retention">Retention psi, <c>[batch, 1, slots]</c>.</param>
    /// <returns>Usage in [0, 1], <c>[batch, 1, slots]</c>.</returns>
    public static Tensor Usage(Tensor last, Tensor lastWrite, Tensor retention) =>
        (last + (lastWrite * last.neg().add(Constants.One, Constants.One))) * retention;

    /// <summary>
    /// Allocation weighting: <c>a[phi(j)] = (1 - u[phi(j)]) prod_{i &lt; j} u[phi(i)]</c> with phi the slots from the least to the
    /// most used; of equally used slots the first comes first. The order itself is not differentiated, as in the paper.
    /// DeepMind's code lifts every usage to at least 1e-6 before the product; libtorch's product has the exact gradient at 0
    /// too, so that an unused slot counts as one here.
    /// </summary>
    /// <param name="usage">Usage u in [0, 1], <c>[batch, 1, slots]</c>.</param>
    /// <returns>The weighting, <c>[batch, 1, slots]</c>; its sum is 1 minus the product of all usages.</returns>
    public static Tensor Allocation(Tensor usage)
    {
        var (sorted, order) = usage.sort(dim: -1, descending: false, stable: true);
        var first = ones_like(sorted.narrow(-1, 0, 1));
        var lessUsed = cat([first, sorted.narrow(-1, 0, usage.shape[^1] - 1).cumprod(-1)], -1);
        return zeros_like(usage).scatter(-1, order, sorted.neg().add(Constants.One, Constants.One) * lessUsed);
    }

    /// <summary>Write weighting: <c>w = g_w (g_a a + (1 - g_a) c)</c>.</summary>
    /// <param name="writeGate">Write gate g_w in [0, 1], <c>[batch, 1, 1]</c>.</param>
    /// <param name="allocationGate">Allocation gate g_a in [0, 1], <c>[batch, 1, 1]</c>.</param>
    /// <param name="allocation">Allocation weighting a, <c>[batch, 1, slots]</c>.</param>
    /// <param name="content">Content weighting c, <c>[batch, 1, slots]</c>.</param>
    /// <returns>The weighting, <c>[batch, 1, slots]</c>.</returns>
    public static Tensor WriteWeighting(Tensor writeGate, Tensor allocationGate, Tensor allocation, Tensor content) =>
        writeGate * Addressing.Interpolate(allocationGate, allocation, content);

    /// <summary>Precedence weighting: <c>p = (1 - sum_i w(i)) p' + w</c>, how far each slot was the last one written.</summary>
    /// <param name="last">Precedence p' one step ago, <c>[batch, 1, slots]</c>.</param>
    /// <param name="write">This step's write weighting w, <c>[batch, 1, slots]</c>.</param>
    /// <returns>The weighting, <c>[batch, 1, slots]</c>.</returns>
    public static Tensor Precedence(Tensor last, Tensor write) =>
        (last * write.sum(-1, true).neg().add(Constants.One, Constants.One)) + write;

    /// <summary>
    /// Temporal links: <c>L[i, j] = (1 - w(i) - w(j)) L'[i, j] + w(i) p'(j)</c>, <c>L[i, i] = 0</c>: how far slot i was written
    /// next after slot j. Rows and columns sum to at most 1.
    /// </summary>
    /// <param name="last">Links L' one step ago, <c>[batch, slots, slots]</c>.</param>
    /// <param name="lastPrecedence">Precedence p' one step ago, <c>[batch, 1, slots]</c>.</param>
    /// <param name="write">This step's write weighting w, <c>[batch, 1, slots]</c>.</param>
    /// <returns>Links, <c>[batch, slots, slots]</c>.</returns>
    public static Tensor Links(Tensor last, Tensor lastPrecedence, Tensor write)
    {
        var column = write.transpose(1, 2);
        var kept = (column + write).neg().add(Constants.One, Constants.One) * last;
        var others = eye(write.shape[^1], dtype: write.dtype, device: write.device).neg().add(Constants.One, Constants.One);
        return (kept + (column * lastPrecedence)) * others;
    }

    /// <summary>Forward weighting: <c>f = L w</c>, the slots written next after those that were read.</summary>
    /// <param name="links">Links L, <c>[batch, slots, slots]</c>.</param>
    /// <param name="lastRead">Read weightings w one step ago, <c>[batch, read heads, slots]</c>.</param>
    /// <returns>Weightings, <c>[batch, read heads, slots]</c>.</returns>
    public static Tensor Forward(Tensor links, Tensor lastRead) => matmul(lastRead, links.transpose(1, 2));

    /// <summary>Backward weighting: <c>b = L^T w</c>, the slots written just before those that were read.</summary>
    /// <param name="links">Links L, <c>[batch, slots, slots]</c>.</param>
    /// <param name="lastRead">Read weightings w one step ago, <c>[batch, read heads, slots]</c>.</param>
    /// <returns>Weightings, <c>[batch, read heads, slots]</c>.</returns>
    public static Tensor Backward(Tensor links, Tensor lastRead) => matmul(lastRead, links);

    /// <summary>Read weighting: <c>w = pi(1) b + pi(2) c + pi(3) f</c>.</summary>
    /// <param name="modes">Read modes pi that sum to 1, <c>[batch, read heads, 3]</c>.</param>
    /// <param name="backward">Backward weightings b, <c>[batch, read heads, slots]</c>.</param>
    /// <param name="content">Content weightings c, <c>[batch, read heads, slots]</c>.</param>
    /// <param name="forward">Forward weightings f, <c>[batch, read heads, slots]</c>.</param>
    /// <returns>Weightings, <c>[batch, read heads, slots]</c>.</returns>
    public static Tensor ReadWeighting(Tensor modes, Tensor backward, Tensor content, Tensor forward) =>
        (modes.narrow(-1, 0, 1) * backward) + (modes.narrow(-1, 1, 1) * content) + (modes.narrow(-1, 2, 1) * forward);

    /// <summary>
    /// Content weighting under a mask (Csordas and Schmidhuber 2019, masked content-based addressing): the softmax over slots i of
    /// <c>beta K[k m, M(i) m]</c>, K the cosine similarity: the mask chooses which part of a slot is its key.
    /// </summary>
    /// <param name="key">Keys k, <c>[batch, heads, width]</c>.</param>
    /// <param name="keyStrength">Key strengths beta, <c>[batch, heads, 1]</c>.</param>
    /// <param name="mask">Masks m in [0, 1], <c>[batch, heads, width]</c>.</param>
    /// <param name="memory">Memory M, <c>[batch, slots, width]</c>.</param>
    /// <returns>Weightings that sum to 1, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor MaskedContent(Tensor key, Tensor keyStrength, Tensor mask, Tensor memory)
    {
        var masked = key * mask;
        var products = matmul(masked * mask, memory.transpose(1, 2));
        var slotNorm = matmul(mask.square(), memory.square().transpose(1, 2)).add(Constants.CosineEpsilonSquare, Constants.One).sqrt();
        var similarity = products / (Addressing.Norm(masked).unsqueeze(-1) * slotNorm).add(Constants.CosineEpsilon, Constants.One);
        return nn.functional.softmax(keyStrength * similarity, dim: -1);
    }

    /// <summary>
    /// A forward or backward weighting made sharp (Csordas and Schmidhuber 2019, link distribution sharpness control):
    /// <c>(w(i) + epsilon)^s / sum_j (w(j) + epsilon)^s</c>. Without links all slots weigh the same.
    /// </summary>
    /// <param name="weighting">Forward or backward weightings w, <c>[batch, read heads, slots]</c>.</param>
    /// <param name="sharpening">Sharpening s, at least 1, <c>[batch, read heads, 1]</c>.</param>
    /// <returns>Weightings that sum to 1, <c>[batch, read heads, slots]</c>.</returns>
    public static Tensor SharpenLinks(Tensor weighting, Tensor sharpening) =>
        Addressing.Sharpen(weighting.add(Constants.LinkEpsilon, Constants.One), sharpening);
}
