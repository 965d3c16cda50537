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
        return Draw(random, range, outputs, inputs);
    }

    /// <summary>Uniform in <c>[-range, range]</c>.</summary>
    public static Parameter Uniform(RandomStream random, double range, params long[] shape) => Draw(random, range, shape);

    /// <summary>One value everywhere.</summary>
    public static Parameter Constant(float value, params long[] shape) => new(full(shape, value));

    private static Parameter Draw(RandomStream random, double range, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)random.NextUniform(-range, range);
        }

        // A copy in libtorch's own memory: see SequenceBatch.To.
        using var drawn = tensor(values, shape);
        return new Parameter(drawn.clone());
    }
}
