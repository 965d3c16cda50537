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
    public static Parameter Constant(float value, params long[] shape) => new(full(shape, value));

    private static Parameter Draw(Func<double> next, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)next();
        }

        // A tensor over a managed array begins wherever the collector put it, and products of matrices round differently from
        // one alignment to another: the same training would not give the same bits. A copy begins where libtorch puts all.
        using var managed = tensor(values, shape);
        return new Parameter(managed.clone());
    }
}
