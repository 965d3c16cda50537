using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <content>The passes of the backward direction, in the order in which they run.</content>
internal sealed unsafe partial class NtmAddressing<T>
{
    /// <summary>Fills the ring with dh; gives dc.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float SharpeningBackward(
        float sharpening, float* logarithms, float* weighting, float* weightingGradient, float* ring)
    {
        var products = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            products = T.MultiplyAdd(T.Load(weighting + i), T.Load(weightingGradient + i), products);
        }

        var mean = T.All(T.Sum(products));
        var c = T.All(sharpening);
        var sum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var dy = T.Load(weighting + i) * (T.Load(weightingGradient + i) - mean);
            var l = T.Load(logarithms + i);
            sum = T.MultiplyAdd(dy, l, sum);
            (c * dy * LaneMath.Exp2(T.All(0f) - l)).Store(ring + i);
        }

        return Ln2 * T.Sum(sum);
    }

    /// <summary>From the ring of dh: dd into the weighting's gradient, ds, dg; gives <c>sum a dd</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float ThreeShiftsBackward(
        HeadValues head, HeadValues gradient, float* last, float* content, float* ring, float* weightingGradient)
    {
        T back = T.All(head.Shift[0]), stay = T.All(head.Shift[1]), forth = T.All(head.Shift[2]);
        T backSum, staySum, forthSum, gateSum, contentSum;
        backSum = staySum = forthSum = gateSum = contentSum = T.All(0f);
        var gate = T.All(*head.Gate);
        for (var i = 0; i < _padded; i += T.Count)
        {
            T before = T.Load(ring + i - 1), here = T.Load(ring + i), after = T.Load(ring + i + 1);
            var dd = T.MultiplyAdd(forth, after, T.MultiplyAdd(back, before, stay * here));
            dd.Store(weightingGradient + i);
            T p = T.Load(last + i), a = T.Load(content + i);
            var difference = a - p;
            gateSum = T.MultiplyAdd(dd, difference, gateSum);
            contentSum = T.MultiplyAdd(a, dd, contentSum);

            // ds(j) = sum_i dh(i) d(i - j) = sum_i d(i) dh(i + j).
            var d = T.MultiplyAdd(gate, difference, p);
            backSum = T.MultiplyAdd(d, before, backSum);
            staySum = T.MultiplyAdd(d, here, staySum);
            forthSum = T.MultiplyAdd(d, after, forthSum);
        }

        var sums = stackalloc float[4];
        T.SumFour(backSum, staySum, forthSum, gateSum, sums);
        (gradient.Shift[0], gradient.Shift[1], gradient.Shift[2], *gradient.Gate) = (sums[0], sums[1], sums[2], sums[3]);
        return T.Sum(contentSum);
    }

    /// <summary>As <see cref="ThreeShiftsBackward"/>, for any number of shifts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float AnyShiftsBackward(
        HeadValues head, HeadValues gradient, float* last, float* content, float* ring, float* weightingGradient)
    {
        T gateSum, contentSum;
        gateSum = contentSum = T.All(0f);
        var gate = T.All(*head.Gate);
        var gated = _gated.Pointer;
        for (var i = 0; i < _padded; i += T.Count)
        {
            var dd = T.All(0f);
            for (var j = -_reach; j <= _reach; j++)
            {
                dd = T.MultiplyAdd(T.All(head.Shift[j + _reach]), T.Load(ring + i + j), dd);
            }

            dd.Store(weightingGradient + i);
            T p = T.Load(last + i), a = T.Load(content + i);
            gateSum = T.MultiplyAdd(dd, a - p, gateSum);
            contentSum = T.MultiplyAdd(a, dd, contentSum);
            T.MultiplyAdd(gate, a - p, p).Store(gated + i);
        }

        *gradient.Gate = T.Sum(gateSum);
        for (var j = -_reach; j <= _reach; j++)
        {
            var sum = T.All(0f);
            for (var i = 0; i < _padded; i += T.Count)
            {
                sum = T.MultiplyAdd(T.Load(gated + i), T.Load(ring + i + j), sum);
            }

            gradient.Shift[j + _reach] = T.Sum(sum);
        }

        return T.Sum(contentSum);
    }
}
