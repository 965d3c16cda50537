namespace NtmLab.Kernels;

/// <summary>
/// Where the parameters of a Neural Turing Machine lie, or where their gradients go; row-major, as the reference engine has
/// them.
/// </summary>
public sealed unsafe class NtmTensors
{
    /// <summary>The controller's layers, the one that sees the input first.</summary>
    public required IReadOnlyList<LayerTensors> Layers { get; init; }

    /// <summary><c>[interface size, units]</c>.</summary>
    public required float* InterfaceWeight { get; init; }

    /// <summary><c>[interface size]</c>.</summary>
    public required float* InterfaceBias { get; init; }

    /// <summary><c>[outputs, units + read width]</c>.</summary>
    public required float* OutputWeight { get; init; }

    /// <summary><c>[outputs]</c>.</summary>
    public required float* OutputBias { get; init; }
}
