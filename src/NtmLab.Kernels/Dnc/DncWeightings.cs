using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// What gates and modes make of the ways to find a slot (Graves et al. 2016, methods), forward and backward:
/// <code>
/// w = g_w (c + g_a (a - c))               write: allocation a and content c, write gate g_w, allocation gate g_a
/// r = p_1 b + p_2 c + p_3 f                read: backward b, content c and forward f, modes p
/// dg_w = sum dw (c + g_a (a - c))          dg_a = g_w sum dw (a - c)     da = g_w g_a dw     dc = g_w (1 - g_a) dw
/// dp_1 = sum dr b, db = p_1 dr, and so on
/// </code>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="shape">The sizes.</param>
internal sealed unsafe class DncWeightings<T>(DncShape shape)
    where T : unmanaged, ILanes<T>
{
    private readonly int _padded = Rows.Padded<T>(shape.Slots);

    /// <summary>The write weighting.</summary>
    /// <param name="writeGate">g_w.</param>
    /// <param name="allocationGate">g_a.</param>
    /// <param name="allocation">a, <c>[padded slots]</c>.</param>
    /// <param name="content">c, <c>[padded slots]</c>.</param>
    /// <param name="weighting">Gets w, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(float writeGate, float allocationGate, float* allocation, float* content, float* weighting)
    {
        T gw = T.All(writeGate), ga = T.All(allocationGate);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var c = T.Load(content + i);
            (gw * T.MultiplyAdd(ga, T.Load(allocation + i) - c, c)).Store(weighting + i);
        }
    }

    /// <summary>Goes backward through <see cref="Write"/>.</summary>
    /// <param name="writeGate">g_w.</param>
    /// <param name="allocationGate">g_a.</param>
    /// <param name="allocation">a.</param>
    /// <param name="content">c.</param>
    /// <param name="weightingGradient">dw.</param>
    /// <param name="allocationGradient">Gets da.</param>
    /// <param name="contentGradient">Gets dc.</param>
    /// <returns>dg_w, dg_a and <c>sum c dc</c>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (float WriteGate, float AllocationGate, float Mean) WriteBackward(
        float writeGate,
        float allocationGate,
        float* allocation,
        float* content,
        float* weightingGradient,
        float* allocationGradient,
        float* contentGradient)
    {
        T gw = T.All(writeGate), ga = T.All(allocationGate);
        T writeSum, allocationSum, mean;
        writeSum = allocationSum = mean = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            T c = T.Load(content + i), d = T.Load(weightingGradient + i);
            var difference = T.Load(allocation + i) - c;
            writeSum = T.MultiplyAdd(d, T.MultiplyAdd(ga, difference, c), writeSum);
            var dv = gw * d;
            allocationSum = T.MultiplyAdd(dv, difference, allocationSum);
            var da = ga * dv;
            da.Store(allocationGradient + i);
            var dc = dv - da;
            dc.Store(contentGradient + i);
            mean = T.MultiplyAdd(c, dc, mean);
        }

        return (T.Sum(writeSum), T.Sum(allocationSum), T.Sum(mean));
    }

    /// <summary>A read weighting.</summary>
    /// <param name="modes">p, three.</param>
    /// <param name="backward">b, <c>[padded slots]</c>.</param>
    /// <param name="content">c, <c>[padded slots]</c>.</param>
    /// <param name="forward">f, <c>[padded slots]</c>.</param>
    /// <param name="weighting">Gets r, <c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(float* modes, float* backward, float* content, float* forward, float* weighting)
    {
        T p1 = T.All(modes[0]), p2 = T.All(modes[1]), p3 = T.All(modes[2]);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var r = T.MultiplyAdd(p2, T.Load(content + i), p1 * T.Load(backward + i));
            T.MultiplyAdd(p3, T.Load(forward + i), r).Store(weighting + i);
        }
    }

    /// <summary>Goes backward through <see cref="Read"/>.</summary>
    /// <param name="modes">p.</param>
    /// <param name="modeGradients">Gets dp.</param>
    /// <param name="backward">b.</param>
    /// <param name="content">c.</param>
    /// <param name="forward">f.</param>
    /// <param name="weightingGradient">dr.</param>
    /// <param name="backwardGradient">Gets db.</param>
    /// <param name="contentGradient">Gets dc.</param>
    /// <param name="forwardGradient">Gets df.</param>
    /// <returns><c>sum c dc</c>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float ReadBackward(
        float* modes,
        float* modeGradients,
        float* backward,
        float* content,
        float* forward,
        float* weightingGradient,
        float* backwardGradient,
        float* contentGradient,
        float* forwardGradient)
    {
        T p1 = T.All(modes[0]), p2 = T.All(modes[1]), p3 = T.All(modes[2]);
        T s1, s2, s3;
        s1 = s2 = s3 = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var d = T.Load(weightingGradient + i);
            s1 = T.MultiplyAdd(d, T.Load(backward + i), s1);
            s2 = T.MultiplyAdd(d, T.Load(content + i), s2);
            s3 = T.MultiplyAdd(d, T.Load(forward + i), s3);
            (p1 * d).Store(backwardGradient + i);
            (p2 * d).Store(contentGradient + i);
            (p3 * d).Store(forwardGradient + i);
        }

        (modeGradients[0], modeGradients[1], modeGradients[2]) = (T.Sum(s1), T.Sum(s2), T.Sum(s3));
        return modes[1] * modeGradients[1];
    }

    /// <summary>The sum of products, over all slots.</summary>
    /// <param name="x"><c>[padded slots]</c>.</param>
    /// <param name="y"><c>[padded slots]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Product(float* x, float* y)
    {
        var sum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            sum = T.MultiplyAdd(T.Load(x + i), T.Load(y + i), sum);
        }

        return T.Sum(sum);
    }
}
