using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a <see cref="MemoryModel"/> with a <see cref="SurprisePolicy"/>.</summary>
[CatalogName("surprise", "Memory that saves what the model did not expect.")]
public sealed record SurpriseOptions : KeepingOptions
{
    /// <summary>How many times the mean error so far a prediction's error must be, to be a surprise; 0 or more.</summary>
    public double Threshold { get; init; } = 1;

    /// <summary>How steeply strength rises with surprise.</summary>
    public double Sharpness { get; init; } = 4;

    /// <summary>The weight of the prediction's error in the training loss.</summary>
    public double PredictionWeight { get; init; } = 0.1;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.NotNegative("model.threshold", Threshold);
        Require.Positive("model.sharpness", Sharpness);
        Require.NotNegative("model.predictionWeight", PredictionWeight);
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new SurprisePolicy(this, inputWidth);
}
