using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>The functions that bring what a controller says into the range of a head parameter.</summary>
internal static class HeadActivations
{
    /// <summary><c>ln(1 + e^x) = -ln sigmoid(-x)</c>, without the numbers that libtorch's own takes: see <see cref="Constants"/>.</summary>
    public static Tensor Softplus(Tensor x) => nn.functional.logsigmoid(x.neg()).neg();

    /// <summary><c>oneplus(x) = 1 + ln(1 + e^x)</c>, at least 1 (Graves et al. 2016, methods).</summary>
    public static Tensor OnePlus(Tensor x) => Softplus(x).add(Constants.One, Constants.One);

    /// <summary>The x that softplus makes this of: what the bias of a key strength starts at.</summary>
    /// <param name="value">Greater than 0.</param>
    public static float InverseSoftplus(double value) => (float)(value + Math.Log(1 - Math.Exp(-value)));
}
