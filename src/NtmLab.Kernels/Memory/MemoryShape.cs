namespace NtmLab.Kernels;

/// <summary>The sizes of a controller with a memory, whatever addresses it; see <see cref="MemoryGroup{T}"/>.</summary>
public abstract record MemoryShape : NetworkShape
{
    /// <summary>Logits in each step.</summary>
    public abstract int Outputs { get; init; }

    /// <summary>What the controller's layers compute.</summary>
    public abstract CellKind Controller { get; init; }

    /// <summary>How many layers it has.</summary>
    public abstract int Layers { get; init; }

    /// <summary>The width H of each.</summary>
    public abstract int Units { get; init; }

    /// <summary>Memory slots N.</summary>
    public abstract int Slots { get; init; }

    /// <summary>Width M of a slot.</summary>
    public abstract int Width { get; init; }

    /// <summary>Vectors read in each step.</summary>
    public abstract int ReadHeads { get; init; }

    /// <summary>Vectors written in each step.</summary>
    public abstract int Writes { get; }

    /// <summary>Values that the controller gives the heads in each step.</summary>
    public abstract int InterfaceSize { get; }

    /// <summary>Weightings in each step: those of reads come first, those of writes after them.</summary>
    public int Heads => ReadHeads + Writes;

    /// <summary>Width of all read vectors together.</summary>
    public int ReadWidth => ReadHeads * Width;

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

    /// <summary>The controller's state, the reads, the memory, and what addressing carries.</summary>
    public override IReadOnlyList<NetworkPart> State =>
    [
        .. Controller.State(Layers, Units),
        new("reads", ReadHeads, Width),
        new("memory", Slots, Width),
        .. AddressingState,
    ];

    /// <summary>How many parts of the state addressing carries.</summary>
    internal int AddressingParts => AddressingState.Count;

    /// <summary>What addressing carries from step to step for one sequence.</summary>
    private protected abstract IReadOnlyList<NetworkPart> AddressingState { get; }

    /// <inheritdoc/>
    public override void Validate() => RequirePositive(
        (nameof(Inputs), Inputs),
        (nameof(Outputs), Outputs),
        (nameof(Layers), Layers),
        (nameof(Units), Units),
        (nameof(Slots), Slots),
        (nameof(Width), Width),
        (nameof(ReadHeads), ReadHeads));

    /// <summary>The sizes of one of the controller's layers.</summary>
    internal LayerShape Layer(int index) => index == 0
        ? new LayerShape(Controller, Inputs, ReadWidth, Units)
        : new LayerShape(Controller, Units, 0, Units);
}
