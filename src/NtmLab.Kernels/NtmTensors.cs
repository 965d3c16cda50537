namespace NtmLab.Kernels;

/// <summary>
/// Where the parameters of a Neural Turing Machine lie, or where their gradients go; row-major, as the reference engine has
/// them. Gates are stacked input, forget, cell, output.
/// </summary>
public readonly unsafe struct NtmTensors
{
    /// <summary><c>[gates units, inputs + read width]</c>.</summary>
    public float* InputWeight { get; init; }

    /// <summary><c>[gates units, units]</c>; null for a feed-forward controller.</summary>
    public float* HiddenWeight { get; init; }

    /// <summary><c>[gates units]</c>.</summary>
    public float* Bias { get; init; }

    /// <summary><c>[units]</c>; null for a feed-forward controller.</summary>
    public float* InitialHidden { get; init; }

    /// <summary><c>[units]</c>; null for a feed-forward controller.</summary>
    public float* InitialCell { get; init; }

    /// <summary><c>[read heads, width]</c>.</summary>
    public float* InitialReads { get; init; }

    /// <summary><c>[interface size, units]</c>.</summary>
    public float* InterfaceWeight { get; init; }

    /// <summary><c>[interface size]</c>.</summary>
    public float* InterfaceBias { get; init; }

    /// <summary><c>[outputs, units + read width]</c>.</summary>
    public float* OutputWeight { get; init; }

    /// <summary><c>[outputs]</c>.</summary>
    public float* OutputBias { get; init; }
}
