using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>Draws initial parameters from an explicit stream, so that a seed means the same on every machine.</summary>
public static class Initialisation
{
    /// <summary>Uniform in <c>[-a, a]</c> with <c>a = gain sqrt(6 / (in + out))</c> (Glorot and Bengio 2010).</summary>
    /// <param name="random">The stream.</param>
    /// <param name="outputs">Rows of the matrix.</param>
    /// <param name="inputs">Columns of the matrix.</param>
    /// <param name="gain">Widens the range.</param>
    /// <returns>A matrix, <c>[outputs, inputs]</c>.</returns>
    public static Parameter Xavier(RandomStream random, int outputs, int inputs, double gain = 1)
    {
        var range = gain * Math.Sqrt(6.0 / (inputs + outputs));
        return Uniform(random, range, outputs, inputs);
    }

    /// <summary>Uniform in <c>[-range, range]</c>.</summary>
    public static Parameter Uniform(RandomStream random, double range, params long[] shape) =>
        Between(random, -range, range, shape);

    /// <summary>Uniform in <c>[low, high]</c>.</summary>
    public static Parameter Between(RandomStream random, double low, double high, params long[] shape) =>
        Draw(() => random.NextUniform(low, high), shape);

    /// <summary>Normal around 0.</summary>
    public static Parameter Normal(RandomStream random, double deviation, params long[] shape) =>
        Draw(() => deviation * random.NextNormal(), shape);

    /// <summary>The same row again and again, <c>[rows, row's length]</c>.</summary>
    public static Parameter Repeated(float[] row, int rows)
    {
        using var managed = tensor(row);
        return new Parameter(managed.repeat(rows, 1));
    }

    /// <summary>One value everywhere.</summary>
    public static Parameter Constant(float value, params long[] shape) =>
        new(HeldNumber.With(value, number => full(shape, number)));

    /// <summary>
    /// Gate biases of a chrono start (Tallec and Ollivier 2018, section 3): <c>ln u</c> with u uniform in [1, lag - 1].
    /// </summary>
    /// <param name="random">The stream.</param>
    /// <param name="lag">The longest lag, 2 or more.</param>
    /// <param name="units">How many.</param>
    /// <returns><c>[units]</c>.</returns>
    public static Tensor Chrono(RandomStream random, int lag, int units)
    {
        var values = new float[units];
        for (var i = 0; i < units; i++)
        {
            values[i] = (float)Math.Log(random.NextUniform(1, Math.Max(lag - 1, 1 + 1e-6)));
        }

        return tensor(values);
    }

    /// <summary>
    /// A random orthogonal matrix, every rotation and reflection as likely as every other: the Q of a matrix of normal numbers,
    /// with the signs that make the diagonal of its R positive (Mezzadri 2007).
    /// </summary>
    /// <param name="random">The stream.</param>
    /// <param name="size">Rows and columns.</param>
    /// <returns><c>[size, size]</c>.</returns>
    public static Tensor Orthogonal(RandomStream random, int size)
    {
        using var scope = NewDisposeScope();
        var values = new double[size * size];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextNormal();
        }

        var (q, r) = linalg.qr(tensor(values, [size, size]));
        return (q * r.diagonal().sign()).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private static Parameter Draw(Func<double> next, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)next();
        }

        return new Parameter(TensorMemory.Aligned(tensor(values, shape)));
    }
}
