using NtmLab.Configuration;

namespace NtmLab.Models;

/// <summary>Configuration of gated recurrent units: a <see cref="RecurrentModel"/> of a <see cref="GruController"/>'s layers.</summary>
[CatalogName("gru", "Gated recurrent units (Cho et al. 2014).")]
public sealed record GruOptions : RecurrentModelOptions
{
    /// <inheritdoc cref="GruControllerOptions.ChronoLag"/>
    public int ChronoLag { get; init; }

    /// <inheritdoc/>
    protected override ControllerOptions ControllerOptions() => new GruControllerOptions
    {
        Units = Units,
        Layers = Layers,
        LayerNorm = LayerNorm,
        Skip = Skip,
        FirstState = FirstState,
        ChronoLag = ChronoLag,
    };
}
