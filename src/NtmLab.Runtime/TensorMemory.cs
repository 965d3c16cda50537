using static TorchSharp.torch;

namespace NtmLab;

/// <summary>Reaches the memory of a tensor.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>The first value of a contiguous float32 tensor on the processor; it does not move while the tensor lives.</summary>
    public static float* Pointer(Tensor tensor)
    {
        fixed (byte* first = tensor.bytes)
        {
            return (float*)first;
        }
    }

    /// <summary>Whether a tensor is contiguous, of type float32 and on the processor.</summary>
    public static bool IsPlain(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device.type == TorchSharp.DeviceType.CPU && tensor.is_contiguous();

    /// <summary>The tensor itself where its values lie in order, else a copy.</summary>
    public static Tensor Contiguous(Tensor tensor) => tensor.is_contiguous() ? tensor : tensor.detach().contiguous();

    /// <summary>
    /// The tensor itself, or a copy where its values do not begin on a boundary of 64 bytes, as those of managed arrays do not:
    /// libtorch's matrix products round differently by alignment, and the same numbers must give the same bits every time.
    /// </summary>
    public static Tensor Aligned(Tensor tensor)
    {
        const nint alignment = 64;
        if (!IsPlain(tensor) || (nint)Pointer(tensor) % alignment == 0)
        {
            return tensor;
        }

        using (tensor)
        {
            return tensor.clone();
        }
    }

    /// <summary>All values of a contiguous float32 tensor on the processor.</summary>
    public static Span<float> Values(Tensor tensor) => new(Pointer(tensor), checked((int)tensor.numel()));
}
