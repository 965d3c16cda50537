using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <content>What looking at the memory gives back to it.</content>
internal sealed unsafe partial class MemoryMatrix<T>
{
    /// <summary>
    /// What addressing and reading by some heads give back to the memory they looked at, and to their keys, in one pass:
    /// <code>
    /// dM(m, i) += M(m, i) z(i) + sum_h (k_h(m) df_h(i) + dread_h(m) u_h(i))
    /// dk_h(m)  += sum_i df_h(i) M(m, i)
    /// </code>
    /// </summary>
    /// <param name="memory">M.</param>
    /// <param name="memoryGradient">Gets dM added.</param>
    /// <param name="normGradient">z.</param>
    /// <param name="heads">How many heads.</param>
    /// <param name="keys">For each head its k and where its dk is added to.</param>
    /// <param name="productGradients">df, <c>[heads, padded slots]</c>.</param>
    /// <param name="readGradients">dread, <c>[heads, width]</c>; null for write heads.</param>
    /// <param name="readWeightings">u, <c>[heads, padded slots]</c>; null for write heads.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ContentBackward(
        float* memory,
        float* memoryGradient,
        float* normGradient,
        int heads,
        ReadOnlySpan<KeyGradient> keys,
        float* productGradients,
        float* readGradients,
        float* readWeightings)
    {
        for (var h = 0; h < heads; h++)
        {
            var dread = readGradients is null ? null : readGradients + (h * _width);
            var u = readWeightings is null ? null : readWeightings + (h * _padded);
            var z = h == 0 ? normGradient : null;
            OneHeadContent(memory, memoryGradient, z, keys[h], productGradients + (h * _padded), dread, u);
        }
    }

    /// <summary>One head, four rows of memory at a time, so that z, df and u are loaded once for them.</summary>
    /// <param name="memory">M.</param>
    /// <param name="memoryGradient">Gets dM added.</param>
    /// <param name="z">z; null if another head brings it.</param>
    /// <param name="key">k and dk.</param>
    /// <param name="df">df.</param>
    /// <param name="dread">dread; null for a write head.</param>
    /// <param name="u">u; null for a write head.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void OneHeadContent(
        float* memory, float* memoryGradient, float* z, KeyGradient key, float* df, float* dread, float* u)
    {
        float* k = key.Key, dk = key.Gradient;
        var sums = stackalloc float[4];
        var m = 0;
        for (; m + 4 <= _width; m += 4)
        {
            T k0 = T.All(k[m]), k1 = T.All(k[m + 1]), k2 = T.All(k[m + 2]), k3 = T.All(k[m + 3]);
            T d0, d1, d2, d3, s0, s1, s2, s3;
            d0 = d1 = d2 = d3 = s0 = s1 = s2 = s3 = T.All(0f);
            if (dread is not null)
            {
                (d0, d1, d2, d3) = (T.All(dread[m]), T.All(dread[m + 1]), T.All(dread[m + 2]), T.All(dread[m + 3]));
            }

            float* r0 = memory + (m * _padded), r1 = r0 + _padded, r2 = r1 + _padded, r3 = r2 + _padded;
            float* g0 = memoryGradient + (m * _padded), g1 = g0 + _padded, g2 = g1 + _padded, g3 = g2 + _padded;
            for (var i = 0; i < _padded; i += T.Count)
            {
                var f = T.Load(df + i);
                T x0 = T.Load(r0 + i), x1 = T.Load(r1 + i), x2 = T.Load(r2 + i), x3 = T.Load(r3 + i);
                s0 = T.MultiplyAdd(f, x0, s0);
                s1 = T.MultiplyAdd(f, x1, s1);
                s2 = T.MultiplyAdd(f, x2, s2);
                s3 = T.MultiplyAdd(f, x3, s3);
                var dx0 = T.MultiplyAdd(k0, f, T.Load(g0 + i));
                var dx1 = T.MultiplyAdd(k1, f, T.Load(g1 + i));
                var dx2 = T.MultiplyAdd(k2, f, T.Load(g2 + i));
                var dx3 = T.MultiplyAdd(k3, f, T.Load(g3 + i));
                if (z is not null)
                {
                    var n = T.Load(z + i);
                    dx0 = T.MultiplyAdd(x0, n, dx0);
                    dx1 = T.MultiplyAdd(x1, n, dx1);
                    dx2 = T.MultiplyAdd(x2, n, dx2);
                    dx3 = T.MultiplyAdd(x3, n, dx3);
                }

                if (u is not null)
                {
                    var w = T.Load(u + i);
                    dx0 = T.MultiplyAdd(d0, w, dx0);
                    dx1 = T.MultiplyAdd(d1, w, dx1);
                    dx2 = T.MultiplyAdd(d2, w, dx2);
                    dx3 = T.MultiplyAdd(d3, w, dx3);
                }

                dx0.Store(g0 + i);
                dx1.Store(g1 + i);
                dx2.Store(g2 + i);
                dx3.Store(g3 + i);
            }

            T.SumFour(s0, s1, s2, s3, sums);
            dk[m] += sums[0];
            dk[m + 1] += sums[1];
            dk[m + 2] += sums[2];
            dk[m + 3] += sums[3];
        }

        for (; m < _width; m++)
        {
            float* row = memory + (m * _padded), gradient = memoryGradient + (m * _padded);
            dk[m] += OneRowContent(row, gradient, z, k[m], df, dread is null ? 0f : dread[m], u);
        }
    }

    /// <summary>One row of memory; gives what is added to dk.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float OneRowContent(float* row, float* gradient, float* z, float key, float* df, float dread, float* u)
    {
        T k = T.All(key), d = T.All(dread), sum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            T f = T.Load(df + i), x = T.Load(row + i);
            sum = T.MultiplyAdd(f, x, sum);
            var dx = T.MultiplyAdd(k, f, T.Load(gradient + i));
            dx = z is null ? dx : T.MultiplyAdd(x, T.Load(z + i), dx);
            dx = u is null ? dx : T.MultiplyAdd(d, T.Load(u + i), dx);
            dx.Store(gradient + i);
        }

        return T.Sum(sum);
    }
}
