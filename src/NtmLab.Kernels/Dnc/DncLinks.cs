using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// The order of writes of one sequence (Graves et al. 2016, methods), forward and backward. Links L <c>[slots, padded slots]</c>,
/// precedence p, write weighting w, last read weighting r; a stroke marks what was one step ago:
/// <code>
/// L(i, j) = (1 - w(i) - w(j)) L'(i, j) + w(i) p'(j)   with L(i, i) = 0
/// p       = (1 - sum w) p' + w
/// b(j)    = sum_i r(i) L(i, j)                         backward weighting
/// f(i)    = sum_j L(i, j) r(j)                         forward weighting
/// </code>
/// Backward:
/// <code>
/// dr(i) += sum_j L(i, j) db(j)      dr(j) += sum_i df(i) L(i, j)      dL(i, j) += r(i) db(j) + df(i) r(j)
/// dw(i) += dp(i) - sum dp p' + sum_j dL(i, j) (p'(j) - L'(i, j))      dw(j) -= sum_i dL(i, j) L'(i, j)
/// dp'(j) = (1 - sum w) dp(j) + sum_i w(i) dL(i, j)                    dL' = (1 - w(i) - w(j)) dL(i, j)
/// </code>
/// What goes through all links passes over four rows of them at a time, so that what belongs to columns is loaded once for them.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
internal sealed unsafe class DncLinks<T>(DncShape shape) : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly int _slots = shape.Slots;
    private readonly int _padded = Rows.Padded<T>(shape.Slots);
    private readonly NativeBuffer _rowSums = new(Rows.Padded<T>(shape.Slots));

    /// <summary>Links and precedence after a write.</summary>
    /// <param name="write">w, <c>[padded slots]</c>.</param>
    /// <param name="lastPrecedence">p', <c>[padded slots]</c>.</param>
    /// <param name="lastLinks">L'.</param>
    /// <param name="precedence">Gets p; may be <paramref name="lastPrecedence"/> itself.</param>
    /// <param name="links">Gets L; may be <paramref name="lastLinks"/> itself.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Update(float* write, float* lastPrecedence, float* lastLinks, float* precedence, float* links)
    {
        var one = T.All(1f);
        for (var i = 0; i < _slots; i++)
        {
            var w = T.All(write[i]);
            float* last = lastLinks + ((long)i * _padded), row = links + ((long)i * _padded);
            for (var j = 0; j < _padded; j += T.Count)
            {
                var kept = (one - (w + T.Load(write + j))) * T.Load(last + j);
                T.MultiplyAdd(w, T.Load(lastPrecedence + j), kept).Store(row + j);
            }

            row[i] = 0f;
        }

        var rest = one - T.All(Sum(write));
        for (var j = 0; j < _padded; j += T.Count)
        {
            T.MultiplyAdd(rest, T.Load(lastPrecedence + j), T.Load(write + j)).Store(precedence + j);
        }
    }

    /// <summary>Goes backward through <see cref="Update"/>.</summary>
    /// <param name="write">w.</param>
    /// <param name="lastPrecedence">p'.</param>
    /// <param name="lastLinks">L'.</param>
    /// <param name="writeGradient">Gets dw added; its padding gets numbers that mean nothing.</param>
    /// <param name="precedenceGradient">dp going in, dp' coming out.</param>
    /// <param name="linkGradient">dL going in, dL' coming out.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void UpdateBackward(
        float* write,
        float* lastPrecedence,
        float* lastLinks,
        float* writeGradient,
        float* precedenceGradient,
        float* linkGradient)
    {
        PrecedenceBackward(write, lastPrecedence, writeGradient, precedenceGradient);
        for (var i = 0; i < _slots; i++)
        {
            linkGradient[((long)i * _padded) + i] = 0f;
        }

        var sums = _rowSums.Pointer;
        var row = 0;
        for (; row + 4 <= _slots; row += 4)
        {
            T w0 = T.All(write[row]), w1 = T.All(write[row + 1]);
            T w2 = T.All(write[row + 2]), w3 = T.All(write[row + 3]);
            T s0, s1, s2, s3;
            s0 = s1 = s2 = s3 = T.All(0f);
            float* l = lastLinks + ((long)row * _padded), g = linkGradient + ((long)row * _padded);
            for (var j = 0; j < _padded; j += T.Count)
            {
                T w = T.Load(write + j), p = T.Load(lastPrecedence + j);
                T dw = T.Load(writeGradient + j), dp = T.Load(precedenceGradient + j);
                RowBackward(w0, w, p, l + j, g + j, ref dw, ref dp, ref s0);
                RowBackward(w1, w, p, l + _padded + j, g + _padded + j, ref dw, ref dp, ref s1);
                RowBackward(w2, w, p, l + (2 * _padded) + j, g + (2 * _padded) + j, ref dw, ref dp, ref s2);
                RowBackward(w3, w, p, l + (3 * _padded) + j, g + (3 * _padded) + j, ref dw, ref dp, ref s3);
                dw.Store(writeGradient + j);
                dp.Store(precedenceGradient + j);
            }

            T.SumFour(s0, s1, s2, s3, sums + row);
        }

        for (; row < _slots; row++)
        {
            T own = T.All(write[row]), sum = T.All(0f);
            float* l = lastLinks + ((long)row * _padded), g = linkGradient + ((long)row * _padded);
            for (var j = 0; j < _padded; j += T.Count)
            {
                T dw = T.Load(writeGradient + j), dp = T.Load(precedenceGradient + j);
                RowBackward(
                    own, T.Load(write + j), T.Load(lastPrecedence + j), l + j, g + j, ref dw, ref dp, ref sum);
                dw.Store(writeGradient + j);
                dp.Store(precedenceGradient + j);
            }

            sums[row] = T.Sum(sum);
        }

        AddRowSums(writeGradient);
    }

    /// <summary>Where a read head that follows the links comes to.</summary>
    /// <param name="links">L.</param>
    /// <param name="lastRead">r, <c>[padded slots]</c>.</param>
    /// <param name="backward">Gets b, <c>[padded slots]</c>.</param>
    /// <param name="forward">Gets f, <c>[padded slots]</c>; its padding stays as it is.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Follow(float* links, float* lastRead, float* backward, float* forward)
    {
        Floats.Clear(backward, _padded);
        var row = 0;
        for (; row + 4 <= _slots; row += 4)
        {
            T r0 = T.All(lastRead[row]), r1 = T.All(lastRead[row + 1]);
            T r2 = T.All(lastRead[row + 2]), r3 = T.All(lastRead[row + 3]);
            T s0, s1, s2, s3;
            s0 = s1 = s2 = s3 = T.All(0f);
            var l = links + ((long)row * _padded);
            for (var j = 0; j < _padded; j += T.Count)
            {
                T r = T.Load(lastRead + j), b = T.Load(backward + j);
                T l0 = T.Load(l + j), l1 = T.Load(l + _padded + j);
                T l2 = T.Load(l + (2 * _padded) + j), l3 = T.Load(l + (3 * _padded) + j);
                s0 = T.MultiplyAdd(l0, r, s0);
                s1 = T.MultiplyAdd(l1, r, s1);
                s2 = T.MultiplyAdd(l2, r, s2);
                s3 = T.MultiplyAdd(l3, r, s3);
                b = T.MultiplyAdd(r0, l0, b);
                b = T.MultiplyAdd(r1, l1, b);
                b = T.MultiplyAdd(r2, l2, b);
                T.MultiplyAdd(r3, l3, b).Store(backward + j);
            }

            T.SumFour(s0, s1, s2, s3, forward + row);
        }

        for (; row < _slots; row++)
        {
            T own = T.All(lastRead[row]), sum = T.All(0f);
            var l = links + ((long)row * _padded);
            for (var j = 0; j < _padded; j += T.Count)
            {
                var link = T.Load(l + j);
                sum = T.MultiplyAdd(link, T.Load(lastRead + j), sum);
                T.MultiplyAdd(own, link, T.Load(backward + j)).Store(backward + j);
            }

            forward[row] = T.Sum(sum);
        }
    }

    /// <summary>Goes backward through <see cref="Follow"/>.</summary>
    /// <param name="links">L.</param>
    /// <param name="lastRead">r.</param>
    /// <param name="backwardGradient">db, <c>[padded slots]</c>.</param>
    /// <param name="forwardGradient">df, <c>[padded slots]</c>.</param>
    /// <param name="linkGradient">Gets dL added.</param>
    /// <param name="readGradient">Gets dr added, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void FollowBackward(
        float* links,
        float* lastRead,
        float* backwardGradient,
        float* forwardGradient,
        float* linkGradient,
        float* readGradient)
    {
        var sums = _rowSums.Pointer;
        var row = 0;
        for (; row + 4 <= _slots; row += 4)
        {
            T r0 = T.All(lastRead[row]), r1 = T.All(lastRead[row + 1]);
            T r2 = T.All(lastRead[row + 2]), r3 = T.All(lastRead[row + 3]);
            T f0 = T.All(forwardGradient[row]), f1 = T.All(forwardGradient[row + 1]);
            T f2 = T.All(forwardGradient[row + 2]), f3 = T.All(forwardGradient[row + 3]);
            T s0, s1, s2, s3;
            s0 = s1 = s2 = s3 = T.All(0f);
            float* l = links + ((long)row * _padded), g = linkGradient + ((long)row * _padded);
            for (var j = 0; j < _padded; j += T.Count)
            {
                T r = T.Load(lastRead + j), db = T.Load(backwardGradient + j), dr = T.Load(readGradient + j);
                RowFollowBackward(r0, f0, r, db, l + j, g + j, ref dr, ref s0);
                RowFollowBackward(r1, f1, r, db, l + _padded + j, g + _padded + j, ref dr, ref s1);
                RowFollowBackward(r2, f2, r, db, l + (2 * _padded) + j, g + (2 * _padded) + j, ref dr, ref s2);
                RowFollowBackward(r3, f3, r, db, l + (3 * _padded) + j, g + (3 * _padded) + j, ref dr, ref s3);
                dr.Store(readGradient + j);
            }

            T.SumFour(s0, s1, s2, s3, sums + row);
        }

        for (; row < _slots; row++)
        {
            T own = T.All(lastRead[row]), f = T.All(forwardGradient[row]), sum = T.All(0f);
            float* l = links + ((long)row * _padded), g = linkGradient + ((long)row * _padded);
            for (var j = 0; j < _padded; j += T.Count)
            {
                var dr = T.Load(readGradient + j);
                RowFollowBackward(
                    own, f, T.Load(lastRead + j), T.Load(backwardGradient + j), l + j, g + j, ref dr, ref sum);
                dr.Store(readGradient + j);
            }

            sums[row] = T.Sum(sum);
        }

        AddRowSums(readGradient);
    }

    /// <inheritdoc/>
    public void Dispose() => _rowSums.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RowBackward(
        T own, T write, T lastPrecedence, float* lastLinks, float* gradient, ref T dw, ref T dp, ref T rowSum)
    {
        T g = T.Load(gradient), l = T.Load(lastLinks);
        rowSum = T.MultiplyAdd(g, lastPrecedence - l, rowSum);
        dw -= g * l;
        dp = T.MultiplyAdd(own, g, dp);
        ((T.All(1f) - (own + write)) * g).Store(gradient);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RowFollowBackward(
        T own, T forwardGradient, T lastRead, T backwardGradient, float* links, float* gradient, ref T dr, ref T rowSum)
    {
        var l = T.Load(links);
        rowSum = T.MultiplyAdd(l, backwardGradient, rowSum);
        dr = T.MultiplyAdd(forwardGradient, l, dr);
        var g = T.MultiplyAdd(own, backwardGradient, T.Load(gradient));
        T.MultiplyAdd(forwardGradient, lastRead, g).Store(gradient);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PrecedenceBackward(
        float* write, float* lastPrecedence, float* writeGradient, float* precedenceGradient)
    {
        var products = T.All(0f);
        for (var j = 0; j < _padded; j += T.Count)
        {
            products = T.MultiplyAdd(T.Load(precedenceGradient + j), T.Load(lastPrecedence + j), products);
        }

        T sum = T.All(T.Sum(products)), rest = T.All(1f - Sum(write));
        for (var j = 0; j < _padded; j += T.Count)
        {
            var dp = T.Load(precedenceGradient + j);
            (T.Load(writeGradient + j) + (dp - sum)).Store(writeGradient + j);
            (rest * dp).Store(precedenceGradient + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Sum(float* x)
    {
        var sum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            sum += T.Load(x + i);
        }

        return T.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRowSums(float* gradient)
    {
        var sums = _rowSums.Pointer;
        for (var i = 0; i < _padded; i += T.Count)
        {
            (T.Load(gradient + i) + T.Load(sums + i)).Store(gradient + i);
        }
    }
}
