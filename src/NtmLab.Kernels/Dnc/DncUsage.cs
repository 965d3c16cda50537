using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// How far slots are in use, and which are free, for one sequence (Graves et al. 2016, methods), forward and backward. Last read
/// weightings r_h, last write weighting w, last usage v, free gates f_h:
/// <code>
/// psi(i) = prod_h (1 - f_h r_h(i))                      retention
/// u      = (v + w (1 - v)) psi                           usage
/// a(o_j) = (1 - u(o_j)) P_j    P_j = prod_(k &lt; j) u(o_k)    allocation, o the slots from the least to the most used
/// </code>
/// Backward, from da and du, where the order is not differentiated. Nothing is divided by, so that slots with a usage of 0, or
/// gates that are wide open, have exact gradients too:
/// <code>
/// G_N = 0     G_(j-1) = da(o_j) (1 - u(o_j)) + u(o_j) G_j     du(o_j) += P_j (G_j - da(o_j))
/// dx = du psi     dv = dx (1 - w)     dw = dx (1 - v)     dpsi = du (v + w (1 - v))
/// dF_h(i) = dpsi prod_(k != h) (1 - f_k r_k(i))     df_h = -sum_i dF_h r_h(i)     dr_h(i) -= dF_h f_h
/// </code>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
internal sealed unsafe class DncUsage<T>(DncShape shape) : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly int _slots = shape.Slots;
    private readonly int _padded = Rows.Padded<T>(shape.Slots);
    private readonly int _heads = shape.ReadHeads;
    private readonly ulong[] _keys = new ulong[shape.Slots];
    private readonly NativeBuffer _scratch = new(Rows.Padded<T>(shape.Slots));

    /// <summary>Retention and usage.</summary>
    /// <param name="freeGates">f, <c>[read heads]</c>.</param>
    /// <param name="lastReads">r, <c>[read heads, padded slots]</c>.</param>
    /// <param name="lastWrite">w, <c>[padded slots]</c>.</param>
    /// <param name="lastUsage">v, <c>[padded slots]</c>.</param>
    /// <param name="retention">Gets psi, <c>[padded slots]</c>.</param>
    /// <param name="usage">Gets u, <c>[padded slots]</c>; may be <paramref name="lastUsage"/> itself.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(
        float* freeGates, float* lastReads, float* lastWrite, float* lastUsage, float* retention, float* usage)
    {
        var one = T.All(1f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var psi = one;
            for (var h = 0; h < _heads; h++)
            {
                psi *= T.MultiplyAdd(T.All(-freeGates[h]), T.Load(lastReads + (h * _padded) + i), one);
            }

            psi.Store(retention + i);
            var v = T.Load(lastUsage + i);
            (T.MultiplyAdd(T.Load(lastWrite + i), one - v, v) * psi).Store(usage + i);
        }
    }

    /// <summary>Goes backward through <see cref="Forward"/>.</summary>
    /// <param name="freeGates">f.</param>
    /// <param name="lastReads">r.</param>
    /// <param name="lastWrite">w.</param>
    /// <param name="lastUsage">v.</param>
    /// <param name="retention">psi.</param>
    /// <param name="usageGradient">du going in, dv coming out.</param>
    /// <param name="writeGradient">Gets dw.</param>
    /// <param name="readGradients">Gets dr added.</param>
    /// <param name="gateGradients">Gets df.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(
        float* freeGates,
        float* lastReads,
        float* lastWrite,
        float* lastUsage,
        float* retention,
        float* usageGradient,
        float* writeGradient,
        float* readGradients,
        float* gateGradients)
    {
        var one = T.All(1f);
        var retentionGradient = _scratch.Pointer;
        for (var i = 0; i < _padded; i += T.Count)
        {
            T d = T.Load(usageGradient + i), v = T.Load(lastUsage + i), w = T.Load(lastWrite + i);
            (d * T.MultiplyAdd(w, one - v, v)).Store(retentionGradient + i);
            var dx = d * T.Load(retention + i);
            (dx * (one - w)).Store(usageGradient + i);
            (dx * (one - v)).Store(writeGradient + i);
        }

        for (var h = 0; h < _heads; h++)
        {
            var gate = T.All(-freeGates[h]);
            var sum = T.All(0f);
            for (var i = 0; i < _padded; i += T.Count)
            {
                var d = T.Load(retentionGradient + i);
                for (var k = 0; k < _heads; k++)
                {
                    if (k != h)
                    {
                        d *= T.MultiplyAdd(T.All(-freeGates[k]), T.Load(lastReads + (k * _padded) + i), one);
                    }
                }

                var at = (h * _padded) + i;
                sum = T.MultiplyAdd(d, T.Load(lastReads + at), sum);
                T.MultiplyAdd(d, gate, T.Load(readGradients + at)).Store(readGradients + at);
            }

            gateGradients[h] = -T.Sum(sum);
        }
    }

    /// <summary>The allocation weighting; of equally used slots the first comes first.</summary>
    /// <param name="usage">u.</param>
    /// <param name="order">Gets o, <c>[slots]</c>.</param>
    /// <param name="allocation">Gets a, <c>[padded slots]</c>; its padding stays as it is.</param>
    public void Allocate(float* usage, int* order, float* allocation)
    {
        for (var i = 0; i < _slots; i++)
        {
            _keys[i] = (Ordered(usage[i]) << 32) | (uint)i;
        }

        _keys.AsSpan().Sort();
        var product = 1f;
        for (var j = 0; j < _slots; j++)
        {
            var slot = (int)(uint)_keys[j];
            order[j] = slot;
            allocation[slot] = (1 - usage[slot]) * product;
            product *= usage[slot];
        }
    }

    /// <summary>Goes backward through <see cref="Allocate"/>.</summary>
    /// <param name="usage">u.</param>
    /// <param name="order">o.</param>
    /// <param name="allocationGradient">da.</param>
    /// <param name="usageGradient">Gets du added.</param>
    public void AllocateBackward(float* usage, int* order, float* allocationGradient, float* usageGradient)
    {
        var products = _scratch.Pointer;
        var product = 1f;
        for (var j = 0; j < _slots; j++)
        {
            products[j] = product;
            product *= usage[order[j]];
        }

        var following = 0f;
        for (var j = _slots - 1; j >= 0; j--)
        {
            var slot = order[j];
            var (u, d) = (usage[slot], allocationGradient[slot]);
            usageGradient[slot] += products[j] * (following - d);
            following = (d * (1 - u)) + (u * following);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    /// <summary>Whole numbers in the order of the floats; both zeros are one.</summary>
    private static ulong Ordered(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value + 0f);
        return (bits & 0x80000000) == 0 ? bits | 0x80000000 : ~bits;
    }
}
