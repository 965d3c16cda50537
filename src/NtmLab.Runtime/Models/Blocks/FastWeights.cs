using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>What a key and its value do to a matrix of fast weights.</summary>
public enum FastWeightRule
{
    /// <summary>The value that the matrix has for the key is moved towards the new one (Schlag, Irie, Schmidhuber 2021).</summary>
    Delta,

    /// <summary>The new value is added, whatever is there: linear attention (Katharopoulos et al. 2020).</summary>
    Additive,
}

/// <summary>
/// A memory whose content is a matrix S that keys, values and queries write to and read from, one step after the other
/// (Schlag, Irie, Schmidhuber 2021):
/// <code>
/// u_t = beta_t (v_t - S_{t-1}^T k_t)     delta rule
/// u_t = beta_t v_t                       additive rule
/// S_t = S_{t-1} + k_t u_t^T              [key width, value width]
/// o_t = S_t^T q_t                        [value width]
/// </code>
/// </summary>
public static class FastWeights
{
    /// <summary>Steps that are computed at once, unless told otherwise.</summary>
    public const int ChunkLength = 64;

    /// <summary>
    /// All steps of a sequence, chunk by chunk (Yang, Wang, Zhang, Shen, Kim 2024). With the rows of Q, K, V and U
    /// the steps of a chunk and S the matrix before it, the delta rule's steps are one triangular system, which is the
    /// paper's UT transform:
    /// <code>
    /// (I + tril(diag(beta) K K^T, -1)) U = diag(beta) (V - K S)
    /// O  = Q S + tril(Q K^T) U
    /// S' = S + K^T U
    /// </code>
    /// A chunk of one step is the recurrence itself.
    /// </summary>
    /// <param name="rule">How u is made.</param>
    /// <param name="query">q, <c>[batch, head, time, key width]</c>.</param>
    /// <param name="key">k, <c>[batch, head, time, key width]</c>.</param>
    /// <param name="value">v, <c>[batch, head, time, value width]</c>.</param>
    /// <param name="beta">How much is written, <c>[batch, head, time, 1]</c>.</param>
    /// <param name="weights">S before the first step, <c>[batch, head, key width, value width]</c>.</param>
    /// <param name="chunkLength">Steps computed at once; decides on speed and memory, not on the result.</param>
    /// <returns>o of every step, <c>[batch, head, time, value width]</c>, and S after the last.</returns>
    public static (Tensor Output, Tensor Weights) Run(
        FastWeightRule rule,
        Tensor query,
        Tensor key,
        Tensor value,
        Tensor beta,
        Tensor weights,
        int chunkLength = ChunkLength)
    {
        // One split of each, whose gradient is put together once; cutting every chunk out of the whole would make a gradient
        // as long as the sequence for each.
        Tensor[] Chunks(Tensor sequence) => sequence.split(chunkLength, 2);
        var (queries, keys, values, betas) = (Chunks(query), Chunks(key), Chunks(value), Chunks(beta));
        var outputs = new Tensor[queries.Length];
        for (var chunk = 0; chunk < outputs.Length; chunk++)
        {
            var (q, k, v, b) = (queries[chunk], keys[chunk], values[chunk], betas[chunk]);
            var kT = k.transpose(2, 3);
            var u = rule == FastWeightRule.Additive
                ? b * v
                : linalg.solve_triangular(
                    b * k.matmul(kT), b * (v - k.matmul(weights)), upper: false, unitriangular: true);
            outputs[chunk] = q.matmul(weights) + q.matmul(kT).tril().matmul(u);
            weights = weights + kT.matmul(u);
        }

        return (cat(outputs, 2), weights);
    }
}
