using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// The addressing mechanism of the Neural Turing Machine (Graves, Wayne, Danihelka 2014, section 3.3), one function an
/// equation. Every function takes all heads at once: keys are <c>[batch, heads, width]</c>, weightings
/// <c>[batch, heads, slots]</c>, memory <c>[batch, slots, width]</c>; a weighting is non-negative and sums to 1 over slots.
/// </summary>
public static class Addressing
{
    /// <summary>Keeps the cosine of a zero vector finite.</summary>
    public const double CosineEpsilon = 1e-8;

    /// <summary>Keeps the logarithm of an empty slot finite; far below any weight that matters.</summary>
    public const double SharpeningEpsilon = 1e-16;

    /// <summary>
    /// Cosine similarity of every key with every slot (equation 6): <c>K[u, v] = u . v / (|u| |v| + epsilon)</c>.
    /// </summary>
    /// <param name="key">Keys, <c>[batch, heads, width]</c>.</param>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <returns>Similarities in [-1, 1], <c>[batch, heads, slots]</c>.</returns>
    public static Tensor CosineSimilarity(Tensor key, Tensor memory)
    {
        var products = matmul(key, memory.transpose(1, 2));
        var keyNorm = Norm(key).unsqueeze(-1);
        var slotNorm = Norm(memory).unsqueeze(1);
        return products / (keyNorm * slotNorm).add(Constants.CosineEpsilon, Constants.One);
    }

    /// <summary>Content weighting (equation 5): the softmax over slots of key strength times similarity.</summary>
    /// <param name="key">Keys, <c>[batch, heads, width]</c>.</param>
    /// <param name="keyStrength">Key strength beta, at least 0, <c>[batch, heads, 1]</c>.</param>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <returns>Weightings, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor Content(Tensor key, Tensor keyStrength, Tensor memory) =>
        nn.functional.softmax(keyStrength * CosineSimilarity(key, memory), dim: -1);

    /// <summary>
    /// Content weighting among the slots that hold something, with how strongly each is held: <c>w(i) = s(i) softmax_i(beta K[k, M(i)]
    /// + ln s(i))</c> over slots with <c>s(i) > 0</c>. It sums to at most 1, and to 0 where nothing is held; of two like slots the
    /// stronger one is read.
    /// </summary>
    /// <param name="key">Keys, <c>[batch, heads, width]</c>.</param>
    /// <param name="keyStrength">Key strength beta, at least 0, <c>[batch, heads, 1]</c>.</param>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <param name="strength">Strength s in [0, 1], 0 where a slot holds nothing, <c>[batch, slots]</c>.</param>
    /// <returns>Weightings, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor ContentAmong(Tensor key, Tensor keyStrength, Tensor memory, Tensor strength)
    {
        var held = strength.unsqueeze(1);
        var isEmpty = held.le(Constants.Zero);
        var score = (keyStrength * CosineSimilarity(key, memory)) + held.masked_fill(isEmpty, Constants.One).log();
        return held * nn.functional.softmax(score.masked_fill(isEmpty, Constants.Excluded), dim: -1);
    }

    /// <summary>The slot of the greatest score, the first of several, as a weighting; no gradient passes through the choice.</summary>
    /// <param name="score">Scores, <c>[batch, heads, slots]</c>.</param>
    /// <returns>1 for that slot, 0 for the others, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor Greatest(Tensor score)
    {
        using var choosing = no_grad();
        var first = score.sort(dim: -1, descending: true, stable: true).Indices.narrow(-1, 0, 1);
        return zeros_like(score).scatter(-1, first, ones_like(score).narrow(-1, 0, 1));
    }

    /// <summary>Interpolation (equation 7): <c>g w_content + (1 - g) w_previous</c>.</summary>
    /// <param name="gate">Interpolation gate g in [0, 1], <c>[batch, heads, 1]</c>.</param>
    /// <param name="content">Content weighting, <c>[batch, heads, slots]</c>.</param>
    /// <param name="previous">The head's weighting one step ago, <c>[batch, heads, slots]</c>.</param>
    /// <returns>Gated weightings, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor Interpolate(Tensor gate, Tensor content, Tensor previous) =>
        previous + gate * (content - previous);

    /// <summary>
    /// Circular convolution with the shift weighting (equation 8): <c>w(i) = sum_j w(i - j) s(j)</c>, with j running from
    /// -(S-1)/2 to (S-1)/2 and slots counted modulo their number. Entry 0 of the shift weighting is the shift by -(S-1)/2.
    /// </summary>
    /// <param name="weighting">Weightings, <c>[batch, heads, slots]</c>.</param>
    /// <param name="shift">Shift weightings that sum to 1, <c>[batch, heads, S]</c>, S odd.</param>
    /// <returns>Shifted weightings, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor Shift(Tensor weighting, Tensor shift)
    {
        var reach = ((int)shift.shape[^1] - 1) / 2;
        Tensor? shifted = null;
        for (var j = -reach; j <= reach; j++)
        {
            var moved = j == 0 ? weighting : weighting.roll(j, -1);
            var term = moved * shift.narrow(-1, j + reach, 1);
            shifted = shifted is null ? term : shifted + term;
        }

        return shifted!;
    }

    /// <summary>
    /// Sharpening (equation 9): <c>w(i)^gamma / sum_j w(j)^gamma</c>, computed as the softmax of <c>gamma ln w</c>, which
    /// cannot underflow to 0 / 0 however large gamma is.
    /// </summary>
    /// <param name="weighting">Weightings, <c>[batch, heads, slots]</c>.</param>
    /// <param name="sharpening">Sharpening gamma, at least 1, <c>[batch, heads, 1]</c>.</param>
    /// <returns>Sharpened weightings, <c>[batch, heads, slots]</c>.</returns>
    public static Tensor Sharpen(Tensor weighting, Tensor sharpening) =>
        nn.functional.softmax(sharpening * weighting.add(Constants.SharpeningEpsilon, Constants.One).log(), dim: -1);

    /// <summary>Reads (equation 2): the sum of the slots under each weighting.</summary>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <param name="weighting">Read weightings, <c>[batch, heads, slots]</c>.</param>
    /// <returns>Read vectors, <c>[batch, heads, width]</c>.</returns>
    public static Tensor Read(Tensor memory, Tensor weighting) => matmul(weighting, memory);

    /// <summary>
    /// Erases, then adds (equations 3 and 4): <c>M(i) prod_h (1 - w_h(i) e_h) + sum_h w_h(i) a_h</c>. All heads erase before
    /// any head adds, so the order of heads does not matter.
    /// </summary>
    /// <param name="memory">Memory, <c>[batch, slots, width]</c>.</param>
    /// <param name="weighting">Write weightings, <c>[batch, heads, slots]</c>.</param>
    /// <param name="erase">Erase vectors in [0, 1], <c>[batch, heads, width]</c>.</param>
    /// <param name="add">Add vectors, <c>[batch, heads, width]</c>.</param>
    /// <returns>The new memory, <c>[batch, slots, width]</c>.</returns>
    public static Tensor Write(Tensor memory, Tensor weighting, Tensor erase, Tensor add)
    {
        var heads = weighting.shape[1];
        var kept = memory;
        for (var head = 0L; head < heads; head++)
        {
            var place = weighting.narrow(1, head, 1).transpose(1, 2);
            kept = kept * matmul(place, erase.narrow(1, head, 1)).neg().add(Constants.One, Constants.One);
        }

        return kept + matmul(weighting.transpose(1, 2), add);
    }

    /// <summary>The Euclidean norm over the last dimension, with a finite gradient at zero.</summary>
    internal static Tensor Norm(Tensor vectors) => vectors.square().sum(-1).add(Constants.CosineEpsilonSquare, Constants.One).sqrt();
}
