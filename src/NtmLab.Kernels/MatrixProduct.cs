using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Matrix products for few rows and a packed matrix, and for sums of outer products. Every entry is summed in the order
/// of the inner dimension, one rounding a term, so a row's result does not depend on the other rows.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal static unsafe class MatrixProduct<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Rows computed together, sharing each load of the packed matrix.</summary>
    public const int RowBlock = 4;

    /// <summary><c>c = a b</c>, or <c>c += a b</c>.</summary>
    /// <param name="rows">Rows of a and c.</param>
    /// <param name="a">Rows of length <c>b.Inner</c>.</param>
    /// <param name="aStride">Distance between two rows of a.</param>
    /// <param name="b">The packed matrix.</param>
    /// <param name="c">Rows with room for <c>b.PaddedColumns</c>.</param>
    /// <param name="cStride">Distance between two rows of c.</param>
    /// <param name="accumulate">Whether c is added to.</param>
    public static void Multiply(
        int rows, float* a, int aStride, PackedMatrix<T> b, float* c, int cStride, bool accumulate)
    {
        var row = 0;
        for (; row + RowBlock <= rows; row += RowBlock)
        {
            for (var panel = 0; panel < b.Panels; panel++)
            {
                FourRows(
                    a + ((long)row * aStride),
                    aStride,
                    b.Panel(panel),
                    b.Inner,
                    c + ((long)row * cStride) + (panel * PackedMatrix<T>.PanelWidth),
                    cStride,
                    accumulate);
            }
        }

        for (; row < rows; row++)
        {
            OneRow(a + ((long)row * aStride), b, c + ((long)row * cStride), accumulate);
        }
    }

    /// <summary>
    /// <c>c += x^T y</c> over the inner dimension: the sum over rows i of the outer products of x[i] and y[i]; what weight
    /// gradients are.
    /// </summary>
    /// <param name="inner">Rows of x and y.</param>
    /// <param name="x">Rows of x.</param>
    /// <param name="xStride">Distance between two rows of x.</param>
    /// <param name="xColumns">Columns of x: rows of c.</param>
    /// <param name="y">Rows of y, with room for whole rows of lanes.</param>
    /// <param name="yStride">Distance between two rows of y.</param>
    /// <param name="yColumns">Columns of y: columns of c.</param>
    /// <param name="c">Rows with room for whole rows of lanes.</param>
    /// <param name="cStride">Distance between two rows of c; at least the columns rounded up to whole rows of lanes.</param>
    public static void AddOuterProducts(
        int inner, float* x, int xStride, int xColumns, float* y, int yStride, int yColumns, float* c, int cStride)
    {
        // What is read again for each block of c should stay in the second-level cache.
        const int block = 128;
        for (var start = 0; start < inner; start += block)
        {
            var count = Math.Min(block, inner - start);
            var xs = x + ((long)start * xStride);
            var ys = y + ((long)start * yStride);
            var i = 0;
            for (; i + 4 <= xColumns; i += 4)
            {
                OuterBlock(count, xs + i, xStride, ys, yStride, yColumns, c + ((long)i * cStride), cStride);
            }

            for (; i < xColumns; i++)
            {
                OuterRow(count, xs + i, xStride, ys, yStride, yColumns, c + ((long)i * cStride));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(
        float* a, int aStride, float* panel, int inner, float* c, int cStride, bool accumulate)
    {
        var width = T.Count;
        float* c1 = c + cStride, c2 = c + (2L * cStride), c3 = c + (3L * cStride);
        T s00, s01, s10, s11, s20, s21, s30, s31;
        if (accumulate)
        {
            (s00, s01) = (T.Load(c), T.Load(c + width));
            (s10, s11) = (T.Load(c1), T.Load(c1 + width));
            (s20, s21) = (T.Load(c2), T.Load(c2 + width));
            (s30, s31) = (T.Load(c3), T.Load(c3 + width));
        }
        else
        {
            s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = T.All(0f);
        }

        float* a1 = a + aStride, a2 = a + (2L * aStride), a3 = a + (3L * aStride);
        for (var k = 0; k < inner; k++)
        {
            var b0 = T.Load(panel);
            var b1 = T.Load(panel + width);
            panel += 2 * width;
            var x = T.All(a[k]);
            s00 = T.MultiplyAdd(x, b0, s00);
            s01 = T.MultiplyAdd(x, b1, s01);
            x = T.All(a1[k]);
            s10 = T.MultiplyAdd(x, b0, s10);
            s11 = T.MultiplyAdd(x, b1, s11);
            x = T.All(a2[k]);
            s20 = T.MultiplyAdd(x, b0, s20);
            s21 = T.MultiplyAdd(x, b1, s21);
            x = T.All(a3[k]);
            s30 = T.MultiplyAdd(x, b0, s30);
            s31 = T.MultiplyAdd(x, b1, s31);
        }

        s00.Store(c);
        s01.Store(c + width);
        s10.Store(c1);
        s11.Store(c1 + width);
        s20.Store(c2);
        s21.Store(c2 + width);
        s30.Store(c3);
        s31.Store(c3 + width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(float* a, PackedMatrix<T> b, float* c, bool accumulate)
    {
        var width = T.Count;
        var inner = b.Inner;
        var panel = 0;
        for (; panel + 4 <= b.Panels; panel += 4)
        {
            // Four panels at once: eight sums hide the latency of the multiply-adds.
            float* p0 = b.Panel(panel), p1 = b.Panel(panel + 1), p2 = b.Panel(panel + 2), p3 = b.Panel(panel + 3);
            var target = c + (panel * 2 * width);
            T s0, s1, s2, s3, s4, s5, s6, s7;
            if (accumulate)
            {
                (s0, s1) = (T.Load(target), T.Load(target + width));
                (s2, s3) = (T.Load(target + (2 * width)), T.Load(target + (3 * width)));
                (s4, s5) = (T.Load(target + (4 * width)), T.Load(target + (5 * width)));
                (s6, s7) = (T.Load(target + (6 * width)), T.Load(target + (7 * width)));
            }
            else
            {
                s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = T.All(0f);
            }

            for (var k = 0; k < inner; k++)
            {
                var x = T.All(a[k]);
                var at = (long)k * 2 * width;
                s0 = T.MultiplyAdd(x, T.Load(p0 + at), s0);
                s1 = T.MultiplyAdd(x, T.Load(p0 + at + width), s1);
                s2 = T.MultiplyAdd(x, T.Load(p1 + at), s2);
                s3 = T.MultiplyAdd(x, T.Load(p1 + at + width), s3);
                s4 = T.MultiplyAdd(x, T.Load(p2 + at), s4);
                s5 = T.MultiplyAdd(x, T.Load(p2 + at + width), s5);
                s6 = T.MultiplyAdd(x, T.Load(p3 + at), s6);
                s7 = T.MultiplyAdd(x, T.Load(p3 + at + width), s7);
            }

            s0.Store(target);
            s1.Store(target + width);
            s2.Store(target + (2 * width));
            s3.Store(target + (3 * width));
            s4.Store(target + (4 * width));
            s5.Store(target + (5 * width));
            s6.Store(target + (6 * width));
            s7.Store(target + (7 * width));
        }

        for (; panel < b.Panels; panel++)
        {
            var p = b.Panel(panel);
            var target = c + (panel * 2 * width);
            var s0 = accumulate ? T.Load(target) : T.All(0f);
            var s1 = accumulate ? T.Load(target + width) : T.All(0f);
            for (var k = 0; k < inner; k++)
            {
                var x = T.All(a[k]);
                s0 = T.MultiplyAdd(x, T.Load(p), s0);
                s1 = T.MultiplyAdd(x, T.Load(p + width), s1);
                p += 2 * width;
            }

            s0.Store(target);
            s1.Store(target + width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OuterBlock(
        int inner, float* x, int xStride, float* y, int yStride, int yColumns, float* c, int cStride)
    {
        var width = T.Count;
        float* c1 = c + cStride, c2 = c + (2L * cStride), c3 = c + (3L * cStride);
        var j = 0;
        for (; j + (2 * width) <= yColumns; j += 2 * width)
        {
            var (s00, s01) = (T.Load(c + j), T.Load(c + j + width));
            var (s10, s11) = (T.Load(c1 + j), T.Load(c1 + j + width));
            var (s20, s21) = (T.Load(c2 + j), T.Load(c2 + j + width));
            var (s30, s31) = (T.Load(c3 + j), T.Load(c3 + j + width));
            var xi = x;
            var yi = y + j;
            for (var i = 0; i < inner; i++)
            {
                var y0 = T.Load(yi);
                var y1 = T.Load(yi + width);
                var a = T.All(xi[0]);
                s00 = T.MultiplyAdd(a, y0, s00);
                s01 = T.MultiplyAdd(a, y1, s01);
                a = T.All(xi[1]);
                s10 = T.MultiplyAdd(a, y0, s10);
                s11 = T.MultiplyAdd(a, y1, s11);
                a = T.All(xi[2]);
                s20 = T.MultiplyAdd(a, y0, s20);
                s21 = T.MultiplyAdd(a, y1, s21);
                a = T.All(xi[3]);
                s30 = T.MultiplyAdd(a, y0, s30);
                s31 = T.MultiplyAdd(a, y1, s31);
                xi += xStride;
                yi += yStride;
            }

            s00.Store(c + j);
            s01.Store(c + j + width);
            s10.Store(c1 + j);
            s11.Store(c1 + j + width);
            s20.Store(c2 + j);
            s21.Store(c2 + j + width);
            s30.Store(c3 + j);
            s31.Store(c3 + j + width);
        }

        for (; j < yColumns; j += width)
        {
            var (s0, s1, s2, s3) = (T.Load(c + j), T.Load(c1 + j), T.Load(c2 + j), T.Load(c3 + j));
            var xi = x;
            var yi = y + j;
            for (var i = 0; i < inner; i++)
            {
                var y0 = T.Load(yi);
                s0 = T.MultiplyAdd(T.All(xi[0]), y0, s0);
                s1 = T.MultiplyAdd(T.All(xi[1]), y0, s1);
                s2 = T.MultiplyAdd(T.All(xi[2]), y0, s2);
                s3 = T.MultiplyAdd(T.All(xi[3]), y0, s3);
                xi += xStride;
                yi += yStride;
            }

            s0.Store(c + j);
            s1.Store(c1 + j);
            s2.Store(c2 + j);
            s3.Store(c3 + j);
        }
    }

    private static void OuterRow(int inner, float* x, int xStride, float* y, int yStride, int yColumns, float* c)
    {
        var width = T.Count;
        for (var j = 0; j < yColumns; j += width)
        {
            var sum = T.Load(c + j);
            for (var i = 0; i < inner; i++)
            {
                sum = T.MultiplyAdd(T.All(x[(long)i * xStride]), T.Load(y + ((long)i * yStride) + j), sum);
            }

            sum.Store(c + j);
        }
    }
}
