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
internal sealed unsafe partial class MemoryMatrix<T>
    where T : unmanaged, ILanes<T>
{
    private const float NormEpsilon = ContentAddressing<T>.CosineEpsilon;

    private readonly int _width;
    private readonly int _padded;
    private readonly int _slots;
    private readonly int _readHeads;
    private readonly int _writeHeads;

    public MemoryMatrix(MemoryShape shape)
    {
        _width = shape.Width;
        _slots = shape.Slots;
        _padded = Rows.Padded<T>(shape.Slots);
        _readHeads = shape.ReadHeads;
        _writeHeads = shape.Writes;
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
            var read = reads + (r * _width);
            var m = 0;
            for (; m + 4 <= _width; m += 4)
            {
                T s0, s1, s2, s3;
                s0 = s1 = s2 = s3 = T.All(0f);
                var rows = memory + (m * _padded);
                for (var i = 0; i < _padded; i += T.Count)
                {
                    var w = T.Load(u + i);
                    s0 = T.MultiplyAdd(w, T.Load(rows + i), s0);
                    s1 = T.MultiplyAdd(w, T.Load(rows + _padded + i), s1);
                    s2 = T.MultiplyAdd(w, T.Load(rows + (2 * _padded) + i), s2);
                    s3 = T.MultiplyAdd(w, T.Load(rows + (3 * _padded) + i), s3);
                }

                T.SumFour(s0, s1, s2, s3, read + m);
            }

            for (; m < _width; m++)
            {
                var sum = T.All(0f);
                for (var i = 0; i < _padded; i += T.Count)
                {
                    sum = T.MultiplyAdd(T.Load(u + i), T.Load(memory + (m * _padded) + i), sum);
                }

                read[m] = T.Sum(sum);
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

            Floats.Clear(memory + (m * _padded) + _slots, _padded - _slots);
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
}
