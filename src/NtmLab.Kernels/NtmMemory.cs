using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// The memory matrix of one sequence, <c>[width, padded slots]</c> with slots contiguous, so that every pass is a run of
/// whole rows of lanes. Forward (Graves et al. 2014, equations 2 to 4), with write weightings w, erase vectors e and add
/// vectors a of head h, read weightings u of head r:
/// <code>
/// M'(m, i) = M(m, i) prod_h (1 - w_h(i) e_h(m)) + sum_h w_h(i) a_h(m)
/// n(i)     = sqrt(sum_m M'(m, i)^2 + epsilon^2)
/// read_r(m) = sum_i u_r(i) M'(m, i)
/// </code>
/// Backward, with F_h the product of the factors of all heads but h:
/// <code>
/// du_r(i) = sum_m dread_r(m) M'(m, i)          dM'(m, i) += dread_r(m) u_r(i)
/// dw_h(i) = sum_m dM' (a_h(m) - M F_h e_h(m))  da_h(m) = sum_i dM' w_h(i)
/// de_h(m) = -sum_i dM' M F_h w_h(i)            dM(m, i) = dM' prod_h (1 - w_h(i) e_h(m))
/// </code>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class NtmMemory<T>
    where T : unmanaged, ILanes<T>
{
    private const float NormEpsilon = NtmAddressing<T>.CosineEpsilon;

    private readonly int _width;
    private readonly int _padded;
    private readonly int _slots;
    private readonly int _readHeads;
    private readonly int _writeHeads;

    public NtmMemory(NtmShape shape)
    {
        _width = shape.Width;
        _slots = shape.Slots;
        _padded = Rows.Padded<T>(shape.Slots);
        _readHeads = shape.ReadHeads;
        _writeHeads = shape.WriteHeads;
    }

    /// <summary>Floats of one memory.</summary>
    public int Size => _width * _padded;

    /// <summary>The norm of every slot.</summary>
    /// <param name="memory">M.</param>
    /// <param name="norms">Gets n, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Norms(float* memory, float* norms)
    {
        for (var i = 0; i < _padded; i += T.Count)
        {
            var sum = T.All(NormEpsilon * NormEpsilon);
            for (var m = 0; m < _width; m++)
            {
                var x = T.Load(memory + (m * _padded) + i);
                sum = T.MultiplyAdd(x, x, sum);
            }

            T.Sqrt(sum).Store(norms + i);
        }
    }

    /// <summary>Writes, and takes the norms of the new memory.</summary>
    /// <param name="memory">M.</param>
    /// <param name="weightings">w, <c>[write heads, padded slots]</c>.</param>
    /// <param name="erase">e, <c>[write heads, width]</c>.</param>
    /// <param name="add">a, <c>[write heads, width]</c>.</param>
    /// <param name="written">Gets M'; may be <paramref name="memory"/> itself.</param>
    /// <param name="norms">Gets n, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void WriteForward(float* memory, float* weightings, float* erase, float* add, float* written, float* norms)
    {
        var one = T.All(1f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            T.All(NormEpsilon * NormEpsilon).Store(norms + i);
        }

        for (var m = 0; m < _width; m++)
        {
            var (from, to) = (m * _padded, m * _padded);
            if (_writeHeads == 1)
            {
                var (e, a) = (T.All(-erase[m]), T.All(add[m]));
                for (var i = 0; i < _padded; i += T.Count)
                {
                    var w = T.Load(weightings + i);
                    var x = T.MultiplyAdd(w, a, T.Load(memory + from + i) * T.MultiplyAdd(w, e, one));
                    x.Store(written + to + i);
                    T.MultiplyAdd(x, x, T.Load(norms + i)).Store(norms + i);
                }

                continue;
            }

            for (var i = 0; i < _padded; i += T.Count)
            {
                var kept = T.Load(memory + from + i);
                var added = T.All(0f);
                for (var h = 0; h < _writeHeads; h++)
                {
                    var w = T.Load(weightings + (h * _padded) + i);
                    kept *= T.MultiplyAdd(w, T.All(-erase[(h * _width) + m]), one);
                    added = T.MultiplyAdd(w, T.All(add[(h * _width) + m]), added);
                }

                var x = kept + added;
                x.Store(written + to + i);
                T.MultiplyAdd(x, x, T.Load(norms + i)).Store(norms + i);
            }
        }

        for (var i = 0; i < _padded; i += T.Count)
        {
            T.Sqrt(T.Load(norms + i)).Store(norms + i);
        }
    }

    /// <summary>Goes backward through a write.</summary>
    /// <param name="memory">M, as before the write.</param>
    /// <param name="weightings">w.</param>
    /// <param name="erase">e.</param>
    /// <param name="add">a.</param>
    /// <param name="memoryGradient">dM' going in, dM as far as it comes through the write coming out.</param>
    /// <param name="weightingGradients">Gets dw added, <c>[write heads, padded slots]</c>.</param>
    /// <param name="eraseGradient">Gets de.</param>
    /// <param name="addGradient">Gets da.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void WriteBackward(
        float* memory,
        float* weightings,
        float* erase,
        float* add,
        float* memoryGradient,
        float* weightingGradients,
        float* eraseGradient,
        float* addGradient)
    {
        if (_writeHeads == 1)
        {
            OneHeadBackward(
                memory, weightings, erase, add, memoryGradient, weightingGradients, eraseGradient, addGradient);
            return;
        }

        var one = T.All(1f);
        for (var m = 0; m < _width; m++)
        {
            var row = m * _padded;
            for (var h = 0; h < _writeHeads; h++)
            {
                var at = (h * _width) + m;
                var (e, a) = (T.All(erase[at]), T.All(add[at]));
                var (eraseSum, addSum) = (T.All(0f), T.All(0f));
                for (var i = 0; i < _padded; i += T.Count)
                {
                    var others = T.Load(memory + row + i);
                    for (var k = 0; k < _writeHeads; k++)
                    {
                        if (k != h)
                        {
                            others *= one - (T.Load(weightings + (k * _padded) + i) * T.All(erase[(k * _width) + m]));
                        }
                    }

                    var dx = T.Load(memoryGradient + row + i);
                    var w = T.Load(weightings + (h * _padded) + i);
                    var dw = weightingGradients + (h * _padded) + i;
                    T.MultiplyAdd(dx, a - (others * e), T.Load(dw)).Store(dw);
                    var dxw = dx * w;
                    addSum += dxw;
                    eraseSum = T.MultiplyAdd(dxw, others, eraseSum);
                }

                addGradient[at] = T.Sum(addSum);
                eraseGradient[at] = -T.Sum(eraseSum);
            }

            for (var i = 0; i < _padded; i += T.Count)
            {
                var dx = T.Load(memoryGradient + row + i);
                for (var h = 0; h < _writeHeads; h++)
                {
                    dx *= one - (T.Load(weightings + (h * _padded) + i) * T.All(erase[(h * _width) + m]));
                }

                dx.Store(memoryGradient + row + i);
            }
        }
    }

    /// <summary>Reads.</summary>
    /// <param name="memory">M'.</param>
    /// <param name="weightings">u, <c>[read heads, padded slots]</c>.</param>
    /// <param name="reads">Gets the read vectors, <c>[read heads, width]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ReadForward(float* memory, float* weightings, float* reads)
    {
        for (var r = 0; r < _readHeads; r++)
        {
            var u = weightings + (r * _padded);
            for (var m = 0; m < _width; m++)
            {
                var sum = T.All(0f);
                var row = memory + (m * _padded);
                for (var i = 0; i < _padded; i += T.Count)
                {
                    sum = T.MultiplyAdd(T.Load(u + i), T.Load(row + i), sum);
                }

                reads[(r * _width) + m] = T.Sum(sum);
            }
        }
    }

    /// <summary>The gradient of the read weightings; that of the memory follows in <see cref="ContentBackward"/>.</summary>
    /// <param name="memory">M'.</param>
    /// <param name="readGradients">dread, <c>[read heads, width]</c>.</param>
    /// <param name="weightingGradients">Gets du added, <c>[read heads, padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ReadBackward(float* memory, float* readGradients, float* weightingGradients)
    {
        for (var r = 0; r < _readHeads; r++)
        {
            var du = weightingGradients + (r * _padded);
            var width = T.Count;
            var i = 0;
            for (; i + (4 * width) <= _padded; i += 4 * width)
            {
                T s0 = T.Load(du + i), s1 = T.Load(du + i + width);
                T s2 = T.Load(du + i + (2 * width)), s3 = T.Load(du + i + (3 * width));
                var column = memory + i;
                for (var m = 0; m < _width; m++)
                {
                    var d = T.All(readGradients[(r * _width) + m]);
                    s0 = T.MultiplyAdd(d, T.Load(column), s0);
                    s1 = T.MultiplyAdd(d, T.Load(column + width), s1);
                    s2 = T.MultiplyAdd(d, T.Load(column + (2 * width)), s2);
                    s3 = T.MultiplyAdd(d, T.Load(column + (3 * width)), s3);
                    column += _padded;
                }

                s0.Store(du + i);
                s1.Store(du + i + width);
                s2.Store(du + i + (2 * width));
                s3.Store(du + i + (3 * width));
            }

            for (; i < _padded; i += width)
            {
                var sum = T.Load(du + i);
                for (var m = 0; m < _width; m++)
                {
                    sum = T.MultiplyAdd(
                        T.All(readGradients[(r * _width) + m]), T.Load(memory + (m * _padded) + i), sum);
                }

                sum.Store(du + i);
            }
        }
    }

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
            var df = productGradients + (h * _padded);
            var u = readWeightings is null ? df : readWeightings + (h * _padded);
            var first = h == 0;
            for (var m = 0; m < _width; m++)
            {
                var row = m * _padded;
                var k = T.All(keys[h].Key[m]);
                var dread = T.All(readGradients is null ? 0f : readGradients[(h * _width) + m]);
                var keySum = T.All(0f);
                for (var i = 0; i < _padded; i += T.Count)
                {
                    var x = T.Load(memory + row + i);
                    var f = T.Load(df + i);
                    keySum = T.MultiplyAdd(f, x, keySum);
                    var dx = T.MultiplyAdd(k, f, T.Load(memoryGradient + row + i));
                    dx = T.MultiplyAdd(dread, T.Load(u + i), dx);
                    if (first)
                    {
                        dx = T.MultiplyAdd(x, T.Load(normGradient + i), dx);
                    }

                    dx.Store(memoryGradient + row + i);
                }

                keys[h].Gradient[m] += T.Sum(keySum);
            }
        }
    }

    /// <summary>Copies from the layout of the reference engine.</summary>
    /// <param name="source">Memory, <c>[slots, width]</c>.</param>
    /// <param name="memory">Gets it as <c>[width, padded slots]</c>.</param>
    public void FromSlots(float* source, float* memory)
    {
        for (var m = 0; m < _width; m++)
        {
            for (var i = 0; i < _slots; i++)
            {
                memory[(m * _padded) + i] = source[(i * _width) + m];
            }
        }
    }

    /// <summary>Copies to the layout of the reference engine.</summary>
    /// <param name="memory">Memory, <c>[width, padded slots]</c>.</param>
    /// <param name="target">Gets it as <c>[slots, width]</c>.</param>
    public void ToSlots(float* memory, float* target)
    {
        for (var m = 0; m < _width; m++)
        {
            for (var i = 0; i < _slots; i++)
            {
                target[(i * _width) + m] = memory[(m * _padded) + i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void OneHeadBackward(
        float* memory,
        float* weighting,
        float* erase,
        float* add,
        float* memoryGradient,
        float* weightingGradient,
        float* eraseGradient,
        float* addGradient)
    {
        var one = T.All(1f);
        for (var m = 0; m < _width; m++)
        {
            var row = m * _padded;
            var (e, a) = (T.All(-erase[m]), T.All(add[m]));
            var (eraseSum, addSum) = (T.All(0f), T.All(0f));
            for (var i = 0; i < _padded; i += T.Count)
            {
                var x = T.Load(memory + row + i);
                var dx = T.Load(memoryGradient + row + i);
                var w = T.Load(weighting + i);
                T.MultiplyAdd(dx, T.MultiplyAdd(x, e, a), T.Load(weightingGradient + i)).Store(weightingGradient + i);
                var dxw = dx * w;
                addSum += dxw;
                eraseSum = T.MultiplyAdd(dxw, x, eraseSum);
                (dx * T.MultiplyAdd(w, e, one)).Store(memoryGradient + row + i);
            }

            addGradient[m] = T.Sum(addSum);
            eraseGradient[m] = -T.Sum(eraseSum);
        }
    }
}

/// <summary>A head's key and the place of its gradient.</summary>
internal readonly unsafe struct KeyGradient(float* key, float* gradient)
{
    /// <summary>The key, <c>[width]</c>.</summary>
    public float* Key { get; } = key;

    /// <summary>Its gradient, <c>[width]</c>.</summary>
    public float* Gradient { get; } = gradient;
}
