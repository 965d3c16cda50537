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

    /// <summary>The rows that this many are computed with: one, or whole blocks.</summary>
    public static int PaddedRows(int rows) => rows == 1 ? 1 : (rows + RowBlock - 1) / RowBlock * RowBlock;

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
        // A panel is loaded once for as many rows as the first-level cache has room for beside it.
        const int chunk = 32;
        var whole = rows / RowBlock * RowBlock;
        for (var first = 0; first < whole; first += chunk)
        {
            var last = Math.Min(whole, first + chunk);
            for (var panel = 0; panel < b.Panels; panel++)
            {
                var column = panel * PackedMatrix<T>.PanelWidth;
                for (var row = first; row < last; row += RowBlock)
                {
                    FourRows(
                        a + ((long)row * aStride), aStride, b.Panel(panel), b.Inner, c + ((long)row * cStride) + column, cStride, accumulate);
                }
            }

            if (b.HasHalfPanel)
            {
                var column = b.PaddedColumns - T.Count;
                for (var row = first; row < last; row += RowBlock)
                {
                    FourRowsHalf(
                        a + ((long)row * aStride), aStride, b.Panel(b.Panels), b.Inner, c + ((long)row * cStride) + column, cStride, accumulate);
                }
            }
        }

        for (var row = whole; row < rows; row++)
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
        // A strip of y, two rows of lanes wide, stays in the first-level cache while all of x goes by.
        const int block = 128;
        var strip = 2 * T.Count;
        for (var start = 0; start < inner; start += block)
        {
            var count = Math.Min(block, inner - start);
            var xs = x + ((long)start * xStride);
            var ys = y + ((long)start * yStride);
            for (var j = 0; j < yColumns; j += strip)
            {
                var half = j + T.Count >= yColumns;
                var i = 0;
                for (; i + 4 <= xColumns; i += 4)
                {
                    var target = c + ((long)i * cStride) + j;
                    if (half)
                    {
                        OuterHalfBlock(count, xs + i, xStride, ys + j, yStride, target, cStride);
                    }
                    else
                    {
                        OuterBlock(count, xs + i, xStride, ys + j, yStride, target, cStride);
                    }
                }

                for (; i < xColumns; i++)
                {
                    OuterRow(count, xs + i, xStride, ys + j, yStride, c + ((long)i * cStride) + j, half ? 1 : 2);
                }
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
    private static void FourRowsHalf(
        float* a, int aStride, float* panel, int inner, float* c, int cStride, bool accumulate)
    {
        float* c1 = c + cStride, c2 = c + (2L * cStride), c3 = c + (3L * cStride);
        T s0, s1, s2, s3;
        if (accumulate)
        {
            (s0, s1, s2, s3) = (T.Load(c), T.Load(c1), T.Load(c2), T.Load(c3));
        }
        else
        {
            s0 = s1 = s2 = s3 = T.All(0f);
        }

        float* a1 = a + aStride, a2 = a + (2L * aStride), a3 = a + (3L * aStride);
        for (var k = 0; k < inner; k++)
        {
            var b = T.Load(panel);
            panel += T.Count;
            s0 = T.MultiplyAdd(T.All(a[k]), b, s0);
            s1 = T.MultiplyAdd(T.All(a1[k]), b, s1);
            s2 = T.MultiplyAdd(T.All(a2[k]), b, s2);
            s3 = T.MultiplyAdd(T.All(a3[k]), b, s3);
        }

        s0.Store(c);
        s1.Store(c1);
        s2.Store(c2);
        s3.Store(c3);
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

        if (b.HasHalfPanel)
        {
            var p = b.Panel(panel);
            var target = c + (panel * 2 * width);
            var sum = accumulate ? T.Load(target) : T.All(0f);
            for (var k = 0; k < inner; k++)
            {
                sum = T.MultiplyAdd(T.All(a[k]), T.Load(p), sum);
                p += width;
            }

            sum.Store(target);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OuterBlock(int inner, float* x, int xStride, float* y, int yStride, float* c, int cStride)
    {
        var width = T.Count;
        float* c1 = c + cStride, c2 = c + (2L * cStride), c3 = c + (3L * cStride);
        var (s00, s01) = (T.Load(c), T.Load(c + width));
        var (s10, s11) = (T.Load(c1), T.Load(c1 + width));
        var (s20, s21) = (T.Load(c2), T.Load(c2 + width));
        var (s30, s31) = (T.Load(c3), T.Load(c3 + width));
        for (var i = 0; i < inner; i++)
        {
            var y0 = T.Load(y);
            var y1 = T.Load(y + width);
            var a = T.All(x[0]);
            s00 = T.MultiplyAdd(a, y0, s00);
            s01 = T.MultiplyAdd(a, y1, s01);
            a = T.All(x[1]);
            s10 = T.MultiplyAdd(a, y0, s10);
            s11 = T.MultiplyAdd(a, y1, s11);
            a = T.All(x[2]);
            s20 = T.MultiplyAdd(a, y0, s20);
            s21 = T.MultiplyAdd(a, y1, s21);
            a = T.All(x[3]);
            s30 = T.MultiplyAdd(a, y0, s30);
            s31 = T.MultiplyAdd(a, y1, s31);
            x += xStride;
            y += yStride;
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
    private static void OuterHalfBlock(int inner, float* x, int xStride, float* y, int yStride, float* c, int cStride)
    {
        float* c1 = c + cStride, c2 = c + (2L * cStride), c3 = c + (3L * cStride);
        var (s0, s1, s2, s3) = (T.Load(c), T.Load(c1), T.Load(c2), T.Load(c3));
        for (var i = 0; i < inner; i++)
        {
            var y0 = T.Load(y);
            s0 = T.MultiplyAdd(T.All(x[0]), y0, s0);
            s1 = T.MultiplyAdd(T.All(x[1]), y0, s1);
            s2 = T.MultiplyAdd(T.All(x[2]), y0, s2);
            s3 = T.MultiplyAdd(T.All(x[3]), y0, s3);
            x += xStride;
            y += yStride;
        }

        s0.Store(c);
        s1.Store(c1);
        s2.Store(c2);
        s3.Store(c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OuterRow(int inner, float* x, int xStride, float* y, int yStride, float* c, int vectors)
    {
        for (var vector = 0; vector < vectors; vector++)
        {
            var at = vector * T.Count;
            var sum = T.Load(c + at);
            for (var i = 0; i < inner; i++)
            {
                sum = T.MultiplyAdd(T.All(x[(long)i * xStride]), T.Load(y + ((long)i * yStride) + at), sum);
            }

            sum.Store(c + at);
        }
    }
}
