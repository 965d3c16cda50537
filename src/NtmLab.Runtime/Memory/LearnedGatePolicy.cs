using NtmLab.Configuration;
using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// A trained unit decides what is saved: the controller gives a gate s in [0, 1] for each offered vector, which is saved in the next
/// slot with that strength if s reaches a threshold. Every vector costs <c>price s</c>, in the unit of the loss: what is not worth
/// its price, training learns to let go.
/// </summary>
[CatalogName("learned-gate", "A trained gate decides what is saved, at a price for each save.")]
public class LearnedGatePolicy : KeepingPolicy
{
    private const string Gate = "gate";

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
        : base(name, options, (Gate, 1))
    {
        _initialGate = options.InitialGate;
        _threshold = options.Threshold.ToScalar();
        _price = options.Price.ToScalar();
    }

    /// <inheritdoc/>
    public override bool HasPrice => true;

    /// <inheritdoc/>
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
        var gate = offered.Values[Gate].squeeze(1).sigmoid();
        var open = gate.ge(_threshold).to(gate.dtype) * MaySave(state);
        var price = state[NamedState.PriceName] + (gate.squeeze(1) * _price);
        return SaveInTurn(state.Set(NamedState.PriceName, price), gate * open);
    }

    /// <summary>Whether anything may be saved, 1 or 0, <c>[batch, 1]</c>; here always.</summary>
    /// <param name="state">The state one step ago.</param>
    protected virtual Tensor MaySave(NamedState state) => ones_like(state[Saves]);
}
