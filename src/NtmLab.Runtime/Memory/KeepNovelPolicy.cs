using NtmLab.Configuration;
using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Saves what is new: a vector whose cosine similarity with every slot that is held is at most a threshold gets the next slot.
/// Another one is merged into the most similar slot, of equally similar ones the first, <c>M = M + (a - M) / (n + 1)</c> with n the
/// vectors in it, or dropped.
/// </summary>
/// <param name="options">The sizes, the threshold, and what becomes of what is not new.</param>
[CatalogName("keep-novel", "Saves only what is unlike all that is stored; merges or drops the rest.")]
public sealed class KeepNovelPolicy(KeepNovelOptions options) : KeepingPolicy("keep-novel", options)
{
    /// <summary>The part of the state that counts the vectors merged in each slot, <c>[batch, slots]</c>.</summary>
    private const string Counts = "counts";

    private readonly Scalar _threshold = options.Threshold.ToScalar();
    private readonly bool _merges = options.Repeats == Repeats.Merge;

    /// <inheritdoc/>
    public override bool Grows => true;

    /// <inheritdoc/>
    public override long MultiplyAddsPerStep(int slots) => base.MultiplyAddsPerStep(slots) + (2L * slots * Width);

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Tensor Value)> StartMore(Zeros zeros, long slots) =>
        [(Counts, zeros(slots))];

    /// <inheritdoc/>
    protected override (Tensor Place, NamedState State) Save(Offered offered)
    {
        var state = offered.State;
        using var choosing = no_grad();
        if (state[NamedState.StrengthName].shape[1] == 0)
        {
            var (first, started) = SaveInTurn(state, offered.Ones);
            return (first, started.Set(Counts, first));
        }

        var (most, nearest) = Similarities(offered).max(1, keepdim: true);
        var repeated = most.gt(_threshold).to(most.dtype);
        var (place, next) = SaveInTurn(state, HeldNumber.OneMinus(repeated));
        var counts = (Wider(state[Counts], place.shape[1]) * HeldNumber.OneMinus(place)) + place;
        if (_merges)
        {
            var merged = zeros_like(place).scatter(1, nearest, repeated);
            counts += merged;
            place += merged / counts.clamp_min(Constants.One);
        }

        return (place, next.Set(Counts, counts));
    }
}
