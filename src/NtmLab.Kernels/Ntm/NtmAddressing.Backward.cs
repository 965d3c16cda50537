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

    /// <summary>From dd in the weighting's gradient: dp in its place, db, df, what comes through the norms.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ContentBackward(
        HeadValues head,
        HeadValues gradient,
        float* norms,
        float* similarity,
        float* content,
        float contentMean,
        float* weightingGradient,
        float* productGradient,
        float* normGradient)
    {
        var keyNorm = KeyNorm(head.Key);
        T gate = T.All(*head.Gate), strength = T.All(*head.Strength), one = T.All(1f), mean = T.All(contentMean);
        var keep = one - gate;
        var keyNorms = T.All(keyNorm);
        T strengthSum, keySum;
        strengthSum = keySum = T.All(0f);
        for (var i = 0; i < _padded; i += T.Count)
        {
            var dd = T.Load(weightingGradient + i);
            (keep * dd).Store(weightingGradient + i);
            var dx = T.Load(content + i) * (dd - mean) * gate;
            T q = T.Load(similarity + i), n = T.Load(norms + i);
            strengthSum = T.MultiplyAdd(dx, q, strengthSum);

            // One division serves both 1 / D and 1 / n.
            var divisor = T.MultiplyAdd(keyNorms, n, T.All(CosineEpsilon));
            var inverse = one / (divisor * n);
            var df = strength * dx * (inverse * n);
            df.Store(productGradient + i);
            var dD = T.All(0f) - (df * q);
            keySum = T.MultiplyAdd(n, dD, keySum);
            T.MultiplyAdd(keyNorms * dD, inverse * divisor, T.Load(normGradient + i)).Store(normGradient + i);
        }

        *gradient.Strength = T.Sum(strengthSum);
        var throughNorm = T.Sum(keySum) / keyNorm;
        for (var m = 0; m < _width; m++)
        {
            gradient.Key[m] = head.Key[m] * throughNorm;
        }
    }
}
