using NtmLab.Configuration;

namespace NtmLab.Models;

/// <summary>Configuration of long short-term memory: a <see cref="RecurrentModel"/> of an <see cref="LstmController"/>'s layers.</summary>
[CatalogName("lstm", "Long short-term memory (Hochreiter and Schmidhuber 1997).")]
public sealed record LstmOptions : RecurrentModelOptions
{
    /// <inheritdoc cref="LstmControllerOptions.ForgetBias"/>
    public float ForgetBias { get; init; } = 1;

    /// <inheritdoc cref="LstmControllerOptions.ChronoLag"/>
    public int ChronoLag { get; init; }

    /// <inheritdoc/>
    protected override ControllerOptions ControllerOptions() => new LstmControllerOptions
    {
        Units = Units,
        Layers = Layers,
        LayerNorm = LayerNorm,
        Skip = Skip,
        FirstState = FirstState,
        ForgetBias = ForgetBias,
        ChronoLag = ChronoLag,
    };
}
