using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <content>Writing, forward and backward.</content>
internal sealed unsafe partial class MemoryMatrix<T>
{
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
        if (_writeHeads == 1)
        {
            OneHeadForward(memory, weightings, erase, add, written, norms);
            return;
        }

        var one = T.All(1f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var squares = T.All(NormEpsilon * NormEpsilon);
            for (var m = 0; m < _width; m++)
            {
                var x = T.Load(memory + (m * _padded) + i);
                var added = T.All(0f);
                for (var h = 0; h < _writeHeads; h++)
                {
                    var w = T.Load(weightings + (h * _padded) + i);
                    x *= T.MultiplyAdd(w, T.All(-erase[(h * _width) + m]), one);
                    added = T.MultiplyAdd(w, T.All(add[(h * _width) + m]), added);
                }

                x += added;
                x.Store(written + (m * _padded) + i);
                squares = T.MultiplyAdd(x, x, squares);
            }

            T.Sqrt(squares).Store(norms + i);
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

    /// <summary>One head's write: <c>M' = M + w (a - e M)</c>, a multiplication less than the general form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void OneHeadForward(float* memory, float* weighting, float* erase, float* add, float* written, float* norms)
    {
        var width = T.Count;
        var i = 0;
        for (; i + (4 * width) <= _padded; i += 4 * width)
        {
            T w0 = T.Load(weighting + i), w1 = T.Load(weighting + i + width);
            T w2 = T.Load(weighting + i + (2 * width)), w3 = T.Load(weighting + i + (3 * width));
            T n0, n1, n2, n3;
            n0 = n1 = n2 = n3 = T.All(NormEpsilon * NormEpsilon);
            float* from = memory + i, to = written + i;
            for (var m = 0; m < _width; m++)
            {
                T e = T.All(-erase[m]), a = T.All(add[m]);
                WriteRow(w0, e, a, from, to, ref n0);
                WriteRow(w1, e, a, from + width, to + width, ref n1);
                WriteRow(w2, e, a, from + (2 * width), to + (2 * width), ref n2);
                WriteRow(w3, e, a, from + (3 * width), to + (3 * width), ref n3);
                from += _padded;
                to += _padded;
            }

            T.Sqrt(n0).Store(norms + i);
            T.Sqrt(n1).Store(norms + i + width);
            T.Sqrt(n2).Store(norms + i + (2 * width));
            T.Sqrt(n3).Store(norms + i + (3 * width));
        }

        for (; i < _padded; i += width)
        {
            var w = T.Load(weighting + i);
            var squares = T.All(NormEpsilon * NormEpsilon);
            for (var m = 0; m < _width; m++)
            {
                var at = (m * _padded) + i;
                WriteRow(w, T.All(-erase[m]), T.All(add[m]), memory + at, written + at, ref squares);
            }

            T.Sqrt(squares).Store(norms + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteRow(T w, T minusErase, T add, float* from, float* to, ref T squares)
    {
        var x = T.Load(from);
        x = T.MultiplyAdd(w, T.MultiplyAdd(minusErase, x, add), x);
        x.Store(to);
        squares = T.MultiplyAdd(x, x, squares);
    }

    /// <summary>Four rows of memory at a time, so that weighting and its gradient are loaded once for them.</summary>
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
        var m = 0;
        for (; m + 4 <= _width; m += 4)
        {
            T e0 = T.All(-erase[m]), e1 = T.All(-erase[m + 1]), e2 = T.All(-erase[m + 2]), e3 = T.All(-erase[m + 3]);
            T a0 = T.All(add[m]), a1 = T.All(add[m + 1]), a2 = T.All(add[m + 2]), a3 = T.All(add[m + 3]);
            T es0, es1, es2, es3, as0, as1, as2, as3;
            es0 = es1 = es2 = es3 = as0 = as1 = as2 = as3 = T.All(0f);
            float* rows = memory + (m * _padded), gradients = memoryGradient + (m * _padded);
            for (var i = 0; i < _padded; i += T.Count)
            {
                T w = T.Load(weighting + i), dw = T.Load(weightingGradient + i);
                UnwriteRow(w, e0, a0, rows + i, gradients + i, ref dw, ref es0, ref as0);
                UnwriteRow(w, e1, a1, rows + _padded + i, gradients + _padded + i, ref dw, ref es1, ref as1);
                UnwriteRow(w, e2, a2, rows + (2 * _padded) + i, gradients + (2 * _padded) + i, ref dw, ref es2, ref as2);
                UnwriteRow(w, e3, a3, rows + (3 * _padded) + i, gradients + (3 * _padded) + i, ref dw, ref es3, ref as3);
                dw.Store(weightingGradient + i);
            }

            T.SumFour(as0, as1, as2, as3, addGradient + m);
            T.SumFour(es0, es1, es2, es3, eraseGradient + m);
        }

        for (; m < _width; m++)
        {
            T e = T.All(-erase[m]), a = T.All(add[m]);
            T eraseSum, addSum;
            eraseSum = addSum = T.All(0f);
            float* row = memory + (m * _padded), gradients = memoryGradient + (m * _padded);
            for (var i = 0; i < _padded; i += T.Count)
            {
                var dw = T.Load(weightingGradient + i);
                UnwriteRow(T.Load(weighting + i), e, a, row + i, gradients + i, ref dw, ref eraseSum, ref addSum);
                dw.Store(weightingGradient + i);
            }

            addGradient[m] = T.Sum(addSum);
            eraseGradient[m] = T.Sum(eraseSum);
        }

        for (m = 0; m < _width; m++)
        {
            eraseGradient[m] = -eraseGradient[m];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnwriteRow(
        T w, T minusErase, T add, float* memory, float* gradient, ref T dw, ref T eraseSum, ref T addSum)
    {
        T x = T.Load(memory), dx = T.Load(gradient);
        dw = T.MultiplyAdd(dx, T.MultiplyAdd(x, minusErase, add), dw);
        var dxw = dx * w;
        addSum += dxw;
        eraseSum = T.MultiplyAdd(dxw, x, eraseSum);
        T.MultiplyAdd(minusErase, dxw, dx).Store(gradient);
    }
}
