namespace NtmLab.Probes;

/// <summary>The spectra of a model's Jacobians along one sequence.</summary>
/// <param name="StateSize">Values of the state, n.</param>
/// <param name="Steps">Steps, N.</param>
/// <param name="Points">The spectra of some of the steps.</param>
/// <param name="GrowthRate">
/// <c>(1 / N) ln sigma_max</c> of the product of all steps: how fast a change of the state grows or fades a step at the most; null for a
/// product of 0.
/// </param>
/// <param name="Exponents">
/// The n rates at which directions of the state grow or fade a step, greatest first, as the product's singular values do for large N;
/// null where a direction is forgotten at once.
/// </param>
public sealed record JacobianSpectrum(
    int StateSize,
    int Steps,
    IReadOnlyList<JacobianPoint> Points,
    double? GrowthRate,
    IReadOnlyList<double?> Exponents);

/// <summary>The spectrum of one step's Jacobian.</summary>
/// <param name="Step">The step, the first being 1.</param>
/// <param name="SingularValues">Its singular values, greatest first.</param>
/// <param name="Moduli">The moduli of its eigenvalues, greatest first.</param>
public sealed record JacobianPoint(int Step, IReadOnlyList<double> SingularValues, IReadOnlyList<double> Moduli)
{
    /// <summary>The greatest singular value: by how much the step stretches a change of the state at most.</summary>
    public double Norm => SingularValues[0];

    /// <summary>The middle singular value.</summary>
    public double MedianSingularValue => SingularValues[SingularValues.Count / 2];

    /// <summary>The greatest modulus of an eigenvalue.</summary>
    public double SpectralRadius => Moduli[0];

    /// <summary>The fraction of eigenvalues with a modulus above 0.99: directions that a step keeps.</summary>
    public double Kept => Moduli.Count(modulus => modulus > 0.99) / (double)Moduli.Count;
}
