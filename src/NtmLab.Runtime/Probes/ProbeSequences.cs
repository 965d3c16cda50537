using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>The random sequences that probes give to a model, and the model made ready for them.</summary>
internal static class ProbeSequences
{
    /// <summary>Fair coin flips, 0 or 1, in double precision, <c>[batch, time, InputWidth]</c>.</summary>
    public static Tensor Draw(SequenceModel model, RandomStream random, int batch, long time)
    {
        var bits = new float[checked(batch * time * model.InputWidth)];
        random.FillBits(bits);
        return tensor(bits, [batch, time, model.InputWidth]).to(ScalarType.Float64);
    }

    /// <summary>Requires lags of 0 or more, and a model of vectors.</summary>
    /// <exception cref="ConfigurationException">There is no lag, or one is below 0, or the inputs are tokens.</exception>
    public static void RequireProbed(SequenceModel model, IReadOnlyList<int> lags)
    {
        RequireVectors(model);
        Require.AtLeast("probe: number of lags", lags.Count, 1);
        foreach (var lag in lags)
        {
            Require.AtLeast("probe: --lags", lag, 0);
        }
    }

    /// <summary>Requires a model of vectors.</summary>
    /// <exception cref="ConfigurationException">The inputs are tokens.</exception>
    public static void RequireVectors(SequenceModel model)
    {
        if (model is TokenModel)
        {
            throw new ConfigurationException(
                "probe: inputs that are tokens cannot be changed a little; models of tasks whose inputs are vectors are probed.");
        }
    }

    /// <summary>Has the model compute with the reference engine in double precision.</summary>
    public static void MakeExact(SequenceModel model)
    {
        model.StopFusing();
        model.to(ScalarType.Float64);
    }
}
