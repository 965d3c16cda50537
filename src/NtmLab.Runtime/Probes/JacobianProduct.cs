using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// The product of Jacobians, kept so that neither its greatest nor its least stretch is lost:
/// <code>
/// Q(t) R(t) = J(t) Q(t - 1)                       exponent i: (1 / N) sum_t ln |R(t)_ii|    (Benettin et al. 1980)
/// P(t)      = J(t) P(t - 1) / |J(t) P(t - 1)|     ln sigma_max of the product: the sum of ln |...|, and ln sigma_max(P(N))
/// </code>
/// </summary>
internal sealed class JacobianProduct
{
    private Tensor? _basis;
    private Tensor? _product;
    private double[] _logarithms = [];
    private double _scale;
    private int _steps;

    /// <summary>Multiplies from the left with a step's Jacobian, <c>[state, state]</c>.</summary>
    public void Append(Tensor jacobian)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (basis, stretch) = linalg.qr(_basis is null ? jacobian : jacobian.matmul(_basis));
        var diagonal = stretch.diagonal().abs().log().contiguous().data<double>().ToArray();
        _logarithms = _steps == 0 ? diagonal : [.. _logarithms.Zip(diagonal, (sum, more) => sum + more)];
        var product = _product is null ? jacobian : jacobian.matmul(_product);
        var norm = product.norm().item<double>();
        _scale += Math.Log(norm);
        _product = Replace(_product, norm > 0 ? product / product.norm() : product.clone());
        _basis = Replace(_basis, basis);
        _steps++;
    }

    /// <summary>The spectrum of what was appended.</summary>
    /// <param name="points">The spectra of single steps.</param>
    public JacobianSpectrum Spectrum(IReadOnlyList<JacobianPoint> points)
    {
        using var scope = NewDisposeScope();
        var greatest = _scale + Math.Log(linalg.svdvals(_product!)[0].item<double>());
        return new JacobianSpectrum(
            _logarithms.Length,
            _steps,
            points,
            Finite(greatest / _steps),
            [.. _logarithms.OrderDescending().Select(logarithm => Finite(logarithm / _steps))]);
    }

    /// <summary>The logarithm of 0, or of what double precision rounds to it, is told as null.</summary>
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static Tensor Replace(Tensor? old, Tensor value)
    {
        old?.Dispose();
        // It outlives the scope of the step that it was made in.
        return value.DetachFromDisposeScope();
    }
}
