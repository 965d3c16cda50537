using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Additive attention scores (Bahdanau, Cho, Bengio 2014, section A.1.2): <c>s(t, i) = v . tanh(q(t) + k(i))</c>. The hyperbolic
/// tangents are width times as many as the scores: they are made for a few queries at a time, forgotten, and made again in the
/// backward pass.
/// </summary>
public sealed class AdditiveScore : nn.Module
{
    /// <summary>Hyperbolic tangents that are made at a time; few enough for the processor's cache.</summary>
    private const long SliceValues = 1 << 19;

    /// <summary>Makes the score.</summary>
    /// <param name="width">Width of queries and keys.</param>
    /// <param name="random">The stream that v is drawn from.</param>
    public AdditiveScore(int width, RandomStream random)
        : base(nameof(AdditiveScore)) => register_parameter("vector", Initialisation.Xavier(random, 1, width));

    private Parameter Vector => get_parameter("vector")!;

    /// <summary>The score of every key for every query.</summary>
    /// <param name="query">q, <c>[batch, heads, queries, width]</c>.</param>
    /// <param name="key">k, <c>[batch, heads, keys, width]</c>.</param>
    /// <returns>s, <c>[batch, heads, queries, keys]</c>.</returns>
    public Tensor Scores(Tensor query, Tensor key) =>
        is_grad_enabled() ? Function.apply(query, key, Vector) : Forward(query, key, Vector);

    private static Tensor Forward(Tensor query, Tensor key, Tensor vector)
    {
        using var scope = NewDisposeScope();
        var shape = query.shape;
        var scores = empty([shape[0], shape[1], shape[2], key.shape[2]], dtype: query.dtype, device: query.device);
        foreach (var (start, count) in Slices(query, key))
        {
            using var slice = NewDisposeScope();
            var tangents = Tangents(query.narrow(2, start, count), key);
            scores.narrow(2, start, count).copy_(nn.functional.linear(tangents, vector).squeeze(-1));
        }

        return scores.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// With g the gradient of the scores and t the tangents, all sums over what the left side lacks:
    /// <code>
    /// dv = sum g t     dq = v sum_i g (1 - t^2)     dk = v sum_t g (1 - t^2)
    /// </code>
    /// </summary>
    private static List<Tensor> Backward(Tensor query, Tensor key, Tensor vector, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var (queries, keys, vectors) = (empty_like(query), zeros_like(key), zeros_like(vector));
        foreach (var (start, count) in Slices(query, key))
        {
            using var slice = NewDisposeScope();
            var tangents = Tangents(query.narrow(2, start, count), key);
            var arriving = gradient.narrow(2, start, count);
            vectors.add_(matmul(arriving.reshape(1, -1), tangents.flatten(0, 3)));
            var column = arriving.unsqueeze(-1);
            var slopes = column - (column * tangents.square());
            queries.narrow(2, start, count).copy_(slopes.sum(3L));
            keys.add_(slopes.sum(2L));
        }

        return
        [
            (queries * vector).MoveToOuterDisposeScope(),
            (keys * vector).MoveToOuterDisposeScope(),
            vectors.MoveToOuterDisposeScope(),
        ];
    }

    /// <summary>tanh(q + k), <c>[batch, heads, queries, keys, width]</c>.</summary>
    private static Tensor Tangents(Tensor query, Tensor key) => (query.unsqueeze(3) + key.unsqueeze(2)).tanh_();

    private static IEnumerable<(long Start, long Count)> Slices(Tensor query, Tensor key)
    {
        var queries = query.shape[2];
        var size = Math.Clamp(SliceValues / Math.Max(key.numel(), 1), 1, queries);
        for (var start = 0L; start < queries; start += size)
        {
            yield return (start, Math.Min(size, queries - start));
        }
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(AdditiveScore);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            Tensor[] given = [.. vars.Cast<Tensor>()];
            ctx.save_for_backward([.. given]);
            using var noGradient = no_grad();
            return Forward(given[0], given[1], given[2]);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var saved = ctx.get_saved_variables();
            if (is_grad_enabled())
            {
                // Second derivatives may follow: the gradients must be functions of everything.
                var scores = nn.functional.linear(Tangents(saved[0], saved[1]), saved[2]).squeeze(-1);
                return [.. autograd.grad([scores], saved, [grad_output], retain_graph: true, create_graph: true)];
            }

            using var noGradient = no_grad();
            return Backward(saved[0], saved[1], saved[2], grad_output);
        }
    }
}
