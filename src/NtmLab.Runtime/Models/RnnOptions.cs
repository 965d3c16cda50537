using NtmLab.Configuration;

namespace NtmLab.Models;

/// <summary>Configuration of a plain recurrent network: a <see cref="RecurrentModel"/> of an <see cref="RnnController"/>'s layers.</summary>
[CatalogName("rnn", "Plain recurrent network with tanh units (Elman 1990).")]
public sealed record RnnOptions : RecurrentModelOptions
{
    /// <inheritdoc cref="RnnControllerOptions.HiddenStart"/>
    public HiddenStart HiddenStart { get; init; }

    /// <inheritdoc/>
    protected override ControllerOptions ControllerOptions() => new RnnControllerOptions
    {
        Units = Units,
        Layers = Layers,
        LayerNorm = LayerNorm,
        Skip = Skip,
        FirstState = FirstState,
        HiddenStart = HiddenStart,
    };
}
