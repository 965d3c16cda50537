using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>An affine map of the last dimension, <c>y = W x + b</c>, drawn from an explicit stream.</summary>
public sealed class Projection : nn.Module<Tensor, Tensor>
{
    /// <summary>Makes the map: Xavier weights (Glorot and Bengio 2010), zero bias.</summary>
    /// <param name="inputs">Width of x.</param>
    /// <param name="outputs">Width of y.</param>
    /// <param name="random">The stream that the weights are drawn from.</param>
    /// <param name="gain">Widens their range.</param>
    /// <param name="bias">Whether there is a b.</param>
    public Projection(int inputs, int outputs, RandomStream random, double gain = 1, bool bias = true)
        : base(nameof(Projection))
    {
        register_parameter("weight", Initialisation.Xavier(random, outputs, inputs, gain));
        if (bias)
        {
            register_parameter("bias", Initialisation.Constant(0, outputs));
        }
    }

    /// <summary>W, <c>[outputs, inputs]</c>.</summary>
    public Parameter Weight => get_parameter("weight")!;

    /// <summary>b, <c>[outputs]</c>; null without.</summary>
    public Parameter? Bias => get_parameter("bias");

    /// <summary>Multiply-adds for one vector.</summary>
    public long MultiplyAdds => Weight.numel();

    /// <summary>From <c>[..., inputs]</c> to <c>[..., outputs]</c>.</summary>
    public override Tensor forward(Tensor input) => nn.functional.linear(input, Weight, Bias);
}
