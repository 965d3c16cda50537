using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Checks what a policy decides before a model acts on it, so that a mistake is named where it was made: the shape and type of
/// every value, and that it is finite.
/// </summary>
/// <param name="policy">The policy.</param>
internal sealed class DecisionCheck(MemoryPolicy policy)
{
    private readonly string _owner = $"policy '{policy.GetName()}'";

    /// <summary>Requires a write that fits the memory.</summary>
    /// <param name="write">The decision.</param>
    /// <param name="memory">The memory before the write, <c>[batch, slots, width]</c>.</param>
    /// <exception cref="ShapeException">A value has another shape or type.</exception>
    /// <exception cref="DivergenceException">A value is not finite.</exception>
    public void Require(WriteDecision write, Tensor memory)
    {
        var (batch, slots) = (memory.shape[0], memory.shape[1]);
        var asked = policy.Grows && write.Weighting?.shape is [_, _, var wanted] ? Math.Max(slots, wanted) : slots;
        Value("Write: weighting [batch, write heads, slots]", write.Weighting, memory, batch, policy.WriteHeads, asked);
        Value("Write: erase vectors [batch, write heads, width]", write.Erase, memory, batch, policy.WriteHeads, policy.Width);
        Value("Write: add vectors [batch, write heads, width]", write.Add, memory, batch, policy.WriteHeads, policy.Width);
    }

    /// <summary>Requires a read that fits the memory.</summary>
    /// <param name="read">The decision.</param>
    /// <param name="memory">The memory, <c>[batch, slots, width]</c>.</param>
    /// <exception cref="ShapeException">A value has another shape or type.</exception>
    /// <exception cref="DivergenceException">A value is not finite.</exception>
    public void Require(ReadDecision read, Tensor memory) => Value(
        "Read: weighting [batch, read heads, slots]", read.Weighting, memory, memory.shape[0], policy.ReadHeads, memory.shape[1]);

    private void Value(string name, Tensor? value, Tensor memory, params ReadOnlySpan<long> shape)
    {
        if (value is null)
        {
            throw new ShapeException($"{_owner}: {name} is missing.");
        }

        Shape.Require(_owner, name, value, shape);

        // libtorch ends the process where a product of batches gets two types.
        if (value.dtype != memory.dtype || value.device.type != memory.device.type)
        {
            throw new ShapeException(
                $"{_owner}: {name} is {value.dtype} on {value.device.type}; "
                + $"{memory.dtype} on {memory.device.type}, as the memory, is wanted.");
        }

        if (!IsFinite(value))
        {
            throw new DivergenceException($"{_owner}: {name} holds a number that is not finite.");
        }
    }

    private static bool IsFinite(Tensor value)
    {
        if (TensorMemory.IsPlain(value))
        {
            return Finite.All(TensorMemory.Values(value));
        }

        using var scope = NewDisposeScope();
        return value.detach().isfinite().all().item<bool>();
    }
}
