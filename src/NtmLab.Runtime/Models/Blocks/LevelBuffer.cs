using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>What a stream holds of one level.</summary>
/// <param name="Keys">
/// Keys of the last children of the block before, then of the block under way, <c>[batch, overlap + w, width]</c>.
/// </param>
/// <param name="Values">Their values, of the same shape.</param>
/// <param name="Children">The children of the block under way, <c>[batch, w, width]</c>, if its summary is wanted.</param>
public sealed record LevelBuffer(Tensor Keys, Tensor Values, Tensor? Children)
{
    /// <summary>All tensors of the buffer.</summary>
    public IEnumerable<Tensor> Tensors => Children is null ? [Keys, Values] : [Keys, Values, Children];

    /// <summary>A buffer of the same kind with other tensors, in the order of <see cref="Tensors"/>.</summary>
    public LevelBuffer With(IReadOnlyList<Tensor> tensors) =>
        new(tensors[0], tensors[1], Children is null ? null : tensors[2]);
}
