using NtmLab.Configuration;
using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Saves what the model did not expect. In each step the controller predicts the next input, before the first one it is held to
/// predict zeros; with the mean squared error e of the last prediction, and its mean m over the sequence so far, this step with it,
/// <code>
/// s = logistic(sharpness (e / m - threshold))      saved in the next slot, with strength s, if s is at least 1/2
/// </code>
/// The error itself, times a weight, is the policy's price: training lessens it, and so learns to predict.
/// </summary>
[CatalogName("surprise", "Saves the inputs that the model itself predicted badly.")]
public sealed class SurprisePolicy : KeepingPolicy
{
    /// <summary>What an error of nothing at all is held for, so that the first ratio is finite.</summary>
    public const double ErrorEpsilon = 1e-6;

    private const string Prediction = "prediction";
    private const string Surprise = "surprise";
    private const string MeanError = "meanError";
    private const string Steps = "steps";

    private readonly int _inputWidth;
    private readonly Scalar _minusThreshold;
    private readonly Scalar _sharpness;
    private readonly Scalar _weight;

    /// <summary>Makes the policy.</summary>
    /// <param name="options">The sizes, threshold, sharpness and weight.</param>
    /// <param name="inputWidth">Features of the model's input in each step.</param>
    public SurprisePolicy(SurpriseOptions options, int inputWidth)
        : base("surprise", options, (Prediction, inputWidth))
    {
        _inputWidth = inputWidth;
        _minusThreshold = (-options.Threshold).ToScalar();
        _sharpness = options.Sharpness.ToScalar();
        _weight = options.PredictionWeight.ToScalar();
    }

    /// <inheritdoc/>
    public override bool Grows => true;

    /// <inheritdoc/>
    public override bool HasPrice => true;

    /// <inheritdoc/>
    public override PolicyState Observe(Tensor input, PolicyState state)
    {
        var current = (NamedState)state;
        var error = HeldNumber.Plus((input - current[Prediction]).square().mean([1], keepdim: true), Constants.ErrorEpsilon);
        var steps = HeldNumber.Plus(current[Steps], Constants.One);
        var mean = current[MeanError] + ((error - current[MeanError]) / steps);
        return current
            .Set(Surprise, error / mean)
            .Set(MeanError, mean)
            .Set(Steps, steps)
            .Set(NamedState.PriceName, current[NamedState.PriceName] + (error.squeeze(1) * _weight));
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Tensor Value)> StartMore(Zeros zeros, long slots) =>
    [
        (Prediction, zeros(_inputWidth)),
        (Surprise, zeros(1)),
        (MeanError, zeros(1)),
        (Steps, zeros(1)),
        (NamedState.PriceName, zeros()),
    ];

    /// <inheritdoc/>
    protected override (Tensor Place, NamedState State) Save(Offered offered)
    {
        var state = offered.State;
        var strength = (HeldNumber.Plus(state[Surprise], _minusThreshold) * _sharpness).sigmoid();
        var kept = strength.ge(Constants.Half).to(strength.dtype);
        return SaveInTurn(state.Set(Prediction, offered.Values[Prediction].squeeze(1)), strength * kept);
    }
}
