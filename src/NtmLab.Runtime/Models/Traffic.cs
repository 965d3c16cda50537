using NtmLab.Models.Blocks;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// Values of single precision that a forward pass must move between the processor and whatever holds them, each once however often
/// it is used within a step: what a machine moves at the least that keeps a step's values close, and nothing from step to step.
/// </summary>
/// <param name="Weights">Trained values read, whatever the batch.</param>
/// <param name="State">Values of the state read and written, for each sequence.</param>
/// <param name="Activations">
/// Inputs read, and results of products with weights written and read again, for each sequence; what is made of them element by
/// element is counted as made in place.
/// </param>
public sealed record Traffic(long Weights, long State, long Activations)
{
    /// <summary>Bytes for a batch.</summary>
    /// <param name="batch">Sequences in it.</param>
    public long Bytes(long batch) => checked(sizeof(float) * (Weights + (batch * (State + Activations))));

    /// <summary>Results of one use of every projection and convolution of a module, in values for one step.</summary>
    internal static long ResultsOf(nn.Module module) => module.modules().Append(module).Distinct().Sum(part => part switch
    {
        Projection projection => projection.Weight.shape[0],
        CausalConvolution convolution => convolution.Outputs,
        ShortConvolution convolution => convolution.Channels,
        _ => 0,
    });
}
