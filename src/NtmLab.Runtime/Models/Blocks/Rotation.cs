using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Rotary positions (Su et al. 2021, section 3.2, arXiv 2104.09864): pair i of the values of a vector at position p is turned by
/// <c>p theta_i</c>,
/// <code>
/// theta_i = 10000^(-2 i / width)               i = 0 .. width / 2 - 1
/// a'      = a cos(p theta_i) - b sin(p theta_i)
/// b'      = a sin(p theta_i) + b cos(p theta_i)
/// </code>
/// so that the product of a turned query and a turned key depends on their positions through the distance only. Here pair i is
/// values i and i + width / 2. Angles are computed in double precision whatever the type: a float32 angle would be wrong by
/// 0.004 at step 100 000.
/// </summary>
public sealed class Rotation
{
    private const double Base = 10000;

    private readonly Tensor _cosine;
    private readonly Tensor _sine;

    /// <summary>The rotation of every step of a call.</summary>
    /// <param name="steps">Positions, <c>[batch or 1, time]</c>, int64.</param>
    /// <param name="width">Width of the vectors; even.</param>
    /// <param name="type">Type of the vectors.</param>
    public Rotation(Tensor steps, int width, ScalarType type)
    {
        var frequencies = new double[width / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] = Math.Pow(Base, -2.0 * i / width);
        }

        var angles = steps.to(ScalarType.Float64)[.., TensorIndex.None, .., TensorIndex.None] * tensor(frequencies, device: steps.device);
        _cosine = angles.cos().to(type);
        _sine = angles.sin().to(type);
    }

    /// <summary>From and to <c>[batch, heads, time, width]</c>.</summary>
    public Tensor Apply(Tensor vectors)
    {
        var pair = vectors.chunk(2, -1);
        return cat([(pair[0] * _cosine) - (pair[1] * _sine), (pair[0] * _sine) + (pair[1] * _cosine)], -1);
    }
}
