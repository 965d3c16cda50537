using TorchSharp;

namespace NtmLab;

/// <summary>
/// Plain numbers as arguments of tensor operations. TorchSharp does not keep a number alive during the native call that reads it,
/// so one made for the call may be freed under it when another thread collects garbage.
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
}
