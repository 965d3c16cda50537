using NtmLab.Configuration;
using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// A trained unit decides what is saved. It hears the controller, which gives two numbers g and u for each offered vector a, and
/// knows how similar the vector is to what is stored:
/// <code>
/// s = logistic(g + u max_i cosine(a, M(i)))        over slots i that hold something; 0 if none does
/// </code>
/// A vector is saved in the next slot, with strength s, if s reaches a threshold. Every vector costs <c>price s</c>, in the unit of
/// the loss: what is not worth its price, training learns to let go.
/// </summary>
[CatalogName("learned-gate", "A trained gate decides what is saved, at a price for each save.")]
public class LearnedGatePolicy : KeepingPolicy
{
    private const string Gate = "gate";
    private const string Similarity = "similarity";

    private readonly double _initialGate;
    private readonly Scalar _threshold;
    private readonly Scalar _price;

    /// <summary>Makes the policy.</summary>
    /// <param name="options">The sizes, the gate's threshold and start, and the price.</param>
    public LearnedGatePolicy(LearnedGateOptions options)
        : this("learned-gate", options)
    {
    }

    /// <summary>Makes a policy that has such a gate.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">The sizes, the gate's threshold and start, and the price.</param>
    protected LearnedGatePolicy(string name, GatedOptions options)
        : base(name, options, (Gate, 1), (Similarity, 1))
    {
        _initialGate = options.InitialGate;
        _threshold = options.Threshold.ToScalar();
        _price = options.Price.ToScalar();
    }

    /// <inheritdoc/>
    public override bool Grows => true;

    /// <inheritdoc/>
    public override bool HasPrice => true;

    /// <inheritdoc/>
    public override long MultiplyAddsPerStep(int slots) => base.MultiplyAddsPerStep(slots) + (2L * slots * Width);

    /// <summary>The gate is about as open as asked, and similarity counts for nothing.</summary>
    /// <param name="bias">Zeros, <c>[InterfaceSize]</c>.</param>
    public override void StartBias(Span<float> bias)
    {
        base.StartBias(bias);
        Part(Gate, bias).Fill((float)Math.Log(_initialGate / (1 - _initialGate)));
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Tensor Value)> StartMore(Zeros zeros, long slots) =>
        [(NamedState.PriceName, zeros())];

    /// <inheritdoc/>
    protected sealed override (Tensor Place, NamedState State) Save(Offered offered)
    {
        var state = offered.State;
        var gate = (offered.Values[Gate].squeeze(1) + (offered.Values[Similarity].squeeze(1) * MostSimilar(offered))).sigmoid();
        var open = gate.ge(_threshold).to(gate.dtype) * MaySave(state);
        var price = state[NamedState.PriceName] + (gate.squeeze(1) * _price);
        return SaveInTurn(state.Set(NamedState.PriceName, price), gate * open);
    }

    /// <summary>The greatest similarity with a slot that holds something, <c>[batch, 1]</c>; 0 where none does.</summary>
    private static Tensor MostSimilar(Offered offered)
    {
        var saves = offered.State[Saves];
        return offered.Memory.shape[1] == 0
            ? zeros_like(saves)
            : Similarities(offered).amax([1], keepdim: true).masked_fill(saves.le(Constants.Zero), Constants.Zero);
    }

    /// <summary>Whether anything may be saved, 1 or 0, <c>[batch, 1]</c>; here always.</summary>
    /// <param name="state">The state one step ago.</param>
    protected virtual Tensor MaySave(NamedState state) => ones_like(state[Saves]);
}
