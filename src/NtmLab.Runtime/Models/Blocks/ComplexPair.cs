using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Complex numbers as two real tensors of one shape, so that parameters, gradients, checkpoints and conversions to another
/// type meet real tensors only.
/// </summary>
/// <param name="Real">The real parts.</param>
/// <param name="Imaginary">The imaginary parts.</param>
public readonly record struct ComplexPair(Tensor Real, Tensor Imaginary)
{
    private static readonly Scalar Two = 2.0.ToScalar();

    /// <summary>a + b.</summary>
    public static ComplexPair operator +(ComplexPair a, ComplexPair b) => new(a.Real + b.Real, a.Imaginary + b.Imaginary);

    /// <summary>a b.</summary>
    public static ComplexPair operator *(ComplexPair a, ComplexPair b) =>
        new((a.Real * b.Real) - (a.Imaginary * b.Imaginary), (a.Real * b.Imaginary) + (a.Imaginary * b.Real));

    /// <summary>a x for a real x.</summary>
    public static ComplexPair operator *(ComplexPair a, Tensor x) => new(a.Real * x, a.Imaginary * x);

    /// <summary>a / b.</summary>
    public static ComplexPair operator /(ComplexPair a, ComplexPair b)
    {
        var square = b.Real.square() + b.Imaginary.square();
        return a * new ComplexPair(b.Real / square, -b.Imaginary / square);
    }

    /// <summary>The same rearrangement of both parts.</summary>
    public ComplexPair Each(Func<Tensor, Tensor> rearrange) => new(rearrange(Real), rearrange(Imaginary));

    /// <summary>e^a.</summary>
    public ComplexPair Exp()
    {
        var size = Real.exp();
        return new(size * Imaginary.cos(), size * Imaginary.sin());
    }

    /// <summary>
    /// e^a - 1, without the rounding of the subtraction near 0: with <c>a = x + i y</c>,
    /// <c>(e^x - 1) cos y - 2 sin^2(y / 2) + i e^x sin y</c>.
    /// </summary>
    public ComplexPair ExpMinusOne()
    {
        var half = (Imaginary / Two).sin();
        return new((Real.expm1() * Imaginary.cos()) - (half.square() * Two), Real.exp() * Imaginary.sin());
    }
}
