namespace NtmLab.Kernels;

/// <summary>A head's key and the place of its gradient.</summary>
internal readonly unsafe struct KeyGradient(float* key, float* gradient)
{
    /// <summary>The key, <c>[width]</c>.</summary>
    public float* Key { get; } = key;

    /// <summary>Its gradient, <c>[width]</c>.</summary>
    public float* Gradient { get; } = gradient;
}
