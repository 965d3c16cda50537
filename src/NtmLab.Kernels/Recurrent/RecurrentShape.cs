namespace NtmLab.Kernels;

/// <summary>The sizes of a stack of recurrent layers, each of which sees the output of the one below.</summary>
/// <param name="Kind">What the layers compute.</param>
/// <param name="Layers">How many.</param>
/// <param name="Inputs">Features of the input in each step.</param>
/// <param name="Units">Width of each layer, and of the output.</param>
public sealed record RecurrentShape(CellKind Kind, int Layers, int Inputs, int Units) : NetworkShape
{
    /// <inheritdoc/>
    public override int OutputWidth => Units;

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkPart> Parameters =>
        [.. Enumerable.Range(0, Layers).SelectMany(index => Layer(index).Parameters("", index))];

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkPart> State => [.. Kind.State(Layers, Units)];

    /// <inheritdoc/>
    public override void Validate() =>
        RequirePositive((nameof(Layers), Layers), (nameof(Inputs), Inputs), (nameof(Units), Units));

    /// <inheritdoc/>
    internal override Network<T> Build<T>() => new RecurrentNetwork<T>(this);

    /// <summary>The sizes of one layer.</summary>
    internal LayerShape Layer(int index) => new(Kind, index == 0 ? Inputs : Units, 0, Units);
}
