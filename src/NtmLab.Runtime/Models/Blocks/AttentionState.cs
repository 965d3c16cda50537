using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>What a model that attends to a window of steps carries from step to step.</summary>
/// <param name="Caches">The keys and values of each attention layer.</param>
/// <param name="Position">How many steps each sequence has had, <c>[batch, 1]</c>, int64.</param>
public sealed record AttentionState(IReadOnlyList<AttentionCache> Caches, Tensor Position) : ModelState
{
    /// <inheritdoc/>
    public override IEnumerable<Tensor> Tensors => [.. Caches.SelectMany(cache => cache.Tensors), Position];

    /// <inheritdoc/>
    public override ModelState With(IReadOnlyList<Tensor> tensors) => new AttentionState(
        [.. tensors.SkipLast(1).Chunk(2).Select(cache => new AttentionCache(cache[0], cache[1]))], tensors[^1]);

    /// <summary>The state before the first step.</summary>
    /// <param name="batch">The number of sequences.</param>
    /// <param name="layers">The number of attention layers.</param>
    /// <param name="heads">Heads of each.</param>
    /// <param name="context">How many steps a step sees, itself among them.</param>
    /// <param name="width">Width of a key and of a value.</param>
    /// <param name="like">A tensor of the wanted type and device.</param>
    public static AttentionState Start(long batch, int layers, int heads, int context, int width, Tensor like)
    {
        Tensor Empty() => zeros([batch, heads, context - 1, width], dtype: like.dtype, device: like.device);
        return new AttentionState(
            [.. Enumerable.Range(0, layers).Select(_ => new AttentionCache(Empty(), Empty()))],
            zeros(batch, 1, dtype: ScalarType.Int64, device: like.device));
    }

    /// <summary>Values of the state for one sequence.</summary>
    /// <param name="layers">The number of attention layers.</param>
    /// <param name="context">How many steps a step sees, itself among them.</param>
    /// <param name="width">Width of the keys, and of the values, of all heads of a layer together.</param>
    public static long Size(int layers, int context, int width) => (2L * layers * (context - 1) * width) + 1;

    /// <summary>
    /// Values that the first steps of one sequence read and write: the keys and values of the earlier steps that each sees, its own,
    /// and its position, in and out.
    /// </summary>
    /// <param name="layers">The number of attention layers.</param>
    /// <param name="context">How many steps a step sees, itself among them.</param>
    /// <param name="width">Width of the keys, and of the values, of all heads of a layer together.</param>
    /// <param name="steps">Steps; 0 or more.</param>
    public static long Moved(int layers, int context, int width, long steps) =>
        checked((2L * layers * width * AttentionWindow.Seen(context, steps)) + (2 * steps));
}

/// <summary>
/// The keys and values of the last context - 1 steps, oldest first; the places of steps before the first hold zeros, which
/// <see cref="AttentionWindow"/> hides.
/// </summary>
/// <param name="Keys">Keys, <c>[batch, heads, context - 1, width]</c>.</param>
/// <param name="Values">Values, <c>[batch, heads, context - 1, width]</c>.</param>
public sealed record AttentionCache(Tensor Keys, Tensor Values)
{
    /// <summary>Both.</summary>
    public IEnumerable<Tensor> Tensors => [Keys, Values];
}
