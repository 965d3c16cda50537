using NtmLab.Memory;
using TorchSharp;

namespace NtmLab;

/// <summary>
/// Plain numbers as arguments of tensor operations. TorchSharp does not keep a number alive during the native call that reads it,
/// so one made for the call may be freed under it when another thread collects garbage. Adding a number makes a factor 1 of its own
/// where none is given.
/// </summary>
internal static class HeldNumber
{
    /// <summary>Calls an operation with a number that lives until it returns.</summary>
    public static torch.Tensor With(Scalar number, Func<Scalar, torch.Tensor> operation)
    {
        var result = operation(number);
        GC.KeepAlive(number);
        return result;
    }

    /// <summary>A tensor and a number that the caller holds.</summary>
    public static torch.Tensor Plus(torch.Tensor tensor, Scalar number) => tensor.add(number, Constants.One);

    /// <summary>1 less a tensor.</summary>
    public static torch.Tensor OneMinus(torch.Tensor tensor) => Plus(tensor.neg(), Constants.One);
}
