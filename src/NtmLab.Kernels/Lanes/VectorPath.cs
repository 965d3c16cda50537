using System.Runtime.Intrinsics;

namespace NtmLab.Kernels;

/// <summary>How many floats the kernels work on at once.</summary>
public enum VectorPath
{
    /// <summary>The widest that this processor has in hardware.</summary>
    Auto = 0,

    /// <summary>One float: no vector instructions.</summary>
    Scalar = 32,

    /// <summary>128-bit vectors.</summary>
    Vector128 = 128,

    /// <summary>256-bit vectors.</summary>
    Vector256 = 256,

    /// <summary>512-bit vectors.</summary>
    Vector512 = 512,
}

/// <summary>Chooses a vector path.</summary>
public static class VectorPaths
{
    /// <summary>The path that <see cref="VectorPath.Auto"/> stands for here.</summary>
    public static VectorPath Best =>
        Vector512.IsHardwareAccelerated ? VectorPath.Vector512
        : Vector256.IsHardwareAccelerated ? VectorPath.Vector256
        : Vector128.IsHardwareAccelerated ? VectorPath.Vector128
        : VectorPath.Scalar;
}
