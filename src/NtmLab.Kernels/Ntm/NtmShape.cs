namespace NtmLab.Kernels;

/// <summary>The sizes of a Neural Turing Machine.</summary>
/// <param name="Inputs">Features of the input in each step.</param>
/// <param name="Outputs">Logits in each step.</param>
/// <param name="Controller">What the controller's layers compute.</param>
/// <param name="Layers">How many layers it has.</param>
/// <param name="Units">The width H of each.</param>
/// <param name="Slots">Memory slots N.</param>
/// <param name="Width">Width M of a slot.</param>
/// <param name="ReadHeads">Read heads R.</param>
/// <param name="WriteHeads">Write heads W.</param>
/// <param name="ShiftWidth">Shifts S a head can make in one step; odd, at most N.</param>
public sealed record NtmShape(
    int Inputs,
    int Outputs,
    CellKind Controller,
    int Layers,
    int Units,
    int Slots,
    int Width,
    int ReadHeads,
    int WriteHeads,
    int ShiftWidth) : NetworkShape
{
    /// <summary>Read heads come first, write heads after them.</summary>
    public int Heads => ReadHeads + WriteHeads;

    /// <summary>Width of all read vectors together.</summary>
    public int ReadWidth => ReadHeads * Width;

    /// <summary>Values that the controller gives the heads in each step.</summary>
    public int InterfaceSize => (ReadHeads * (Width + ShiftWidth + 3)) + (WriteHeads * ((3 * Width) + ShiftWidth + 3));

    /// <inheritdoc/>
    public override int OutputWidth => Outputs;

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkPart> Parameters =>
    [
        .. Enumerable.Range(0, Layers).SelectMany(index => Layer(index).Parameters("controller.", index)),
        new("interface_weight", InterfaceSize, Units),
        new("interface_bias", InterfaceSize),
        new("output_weight", Outputs, Units + ReadWidth),
        new("output_bias", Outputs),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkPart> State =>
    [
        .. Controller.State(Layers, Units),
        new("reads", ReadHeads, Width),
        new("memory", Slots, Width),
        new("read weightings", ReadHeads, Slots),
        new("write weightings", WriteHeads, Slots),
    ];

    /// <inheritdoc/>
    public override void Validate()
    {
        RequirePositive(
            (nameof(Inputs), Inputs),
            (nameof(Outputs), Outputs),
            (nameof(Layers), Layers),
            (nameof(Units), Units),
            (nameof(Slots), Slots),
            (nameof(Width), Width),
            (nameof(ReadHeads), ReadHeads),
            (nameof(WriteHeads), WriteHeads));
        if (ShiftWidth < 1 || ShiftWidth % 2 == 0 || ShiftWidth > Slots)
        {
            throw new ArgumentException(
                $"{nameof(ShiftWidth)}: {ShiftWidth} is not allowed; an odd number from 1 to the number of slots is.");
        }
    }

    /// <inheritdoc/>
    internal override Network<T> Build<T>() => new NtmNetwork<T>(this);

    /// <summary>The sizes of one of the controller's layers.</summary>
    internal LayerShape Layer(int index) => index == 0
        ? new LayerShape(Controller, Inputs, ReadWidth, Units)
        : new LayerShape(Controller, Units, 0, Units);
}
