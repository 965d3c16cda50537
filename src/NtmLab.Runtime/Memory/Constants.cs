using TorchSharp;

namespace NtmLab.Memory;

/// <summary>
/// Numbers that addressing adds. They live as long as the program: TorchSharp does not keep a number alive during the native
/// call that reads it, so one made for the call may be freed under it when another thread collects garbage. That is true of the
/// factor 1 too that adding a number makes where none is given.
/// </summary>
internal static class Constants
{
    /// <summary>0.</summary>
    public static readonly Scalar Zero = 0.0.ToScalar();

    /// <summary>1/2.</summary>
    public static readonly Scalar Half = 0.5.ToScalar();

    /// <summary>A score that leaves nothing of a slot in a softmax, and with which that of no slot at all stays finite.</summary>
    public static readonly Scalar Excluded = (-1e9).ToScalar();

    /// <summary>See <see cref="SurprisePolicy.ErrorEpsilon"/>.</summary>
    public static readonly Scalar ErrorEpsilon = SurprisePolicy.ErrorEpsilon.ToScalar();

    /// <summary>1.</summary>
    public static readonly Scalar One = 1.0.ToScalar();

    /// <summary>See <see cref="Addressing.CosineEpsilon"/>.</summary>
    public static readonly Scalar CosineEpsilon = Addressing.CosineEpsilon.ToScalar();

    /// <summary>The square of it.</summary>
    public static readonly Scalar CosineEpsilonSquare = (Addressing.CosineEpsilon * Addressing.CosineEpsilon).ToScalar();

    /// <summary>See <see cref="Addressing.SharpeningEpsilon"/>.</summary>
    public static readonly Scalar SharpeningEpsilon = Addressing.SharpeningEpsilon.ToScalar();

    /// <summary>See <see cref="DncAddressing.LinkEpsilon"/>.</summary>
    public static readonly Scalar LinkEpsilon = DncAddressing.LinkEpsilon.ToScalar();

    /// <summary>See <see cref="SparseAddressing.AccessThreshold"/>.</summary>
    public static readonly Scalar AccessThreshold = SparseAddressing.AccessThreshold.ToScalar();
}
