namespace NtmLab.Kernels;

/// <summary>The parameters of one head, activated, or their gradients.</summary>
internal readonly unsafe struct HeadValues
{
    public HeadValues(float* values, HeadPlaces places)
    {
        Key = values + places.Key;
        Strength = values + places.Strength;
        Gate = values + places.Gate;
        Shift = values + places.Shift;
        Sharpening = values + places.Sharpening;
    }

    /// <summary>Key, <c>[width]</c>.</summary>
    public float* Key { get; }

    /// <summary>Key strength.</summary>
    public float* Strength { get; }

    /// <summary>Interpolation gate.</summary>
    public float* Gate { get; }

    /// <summary>Shift weighting, <c>[shift width]</c>.</summary>
    public float* Shift { get; }

    /// <summary>Sharpening.</summary>
    public float* Sharpening { get; }
}
