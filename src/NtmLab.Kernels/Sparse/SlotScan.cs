using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// Looks at every candidate: finds exactly the slots of greatest cosine similarity
/// <c>s(i) = f(i) / g(i)</c>, <c>f(i) = q . M(i)</c>, <c>g(i) = |q| n(i) + epsilon</c>, and of equal ones the first. All queries
/// go over a run of four blocks while it is in the first-level cache. Whether a run holds a slot better than the worst of the best
/// K so far, b, is seen without a division: <c>f(i) - b g(i) > 0</c>; only then are its slots looked at one by one.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class SlotScan<T> : ISlotSearch
    where T : unmanaged, ILanes<T>
{
    private const float CosineEpsilon = ContentAddressing<T>.CosineEpsilon;

    /// <summary>Taken off b, so that rounding of its product never hides a slot; the slots themselves are compared exactly.</summary>
    private const float Slack = 1e-6f;

    private readonly SparseMemory<T> _memory;
    private readonly int _width;
    private readonly int _stride;
    private readonly int _heads;
    private readonly int _nearest;
    private readonly BestSlots _best;
    private readonly float[] _queryNorms;

    /// <summary>Makes a search over a memory.</summary>
    public SlotScan(SparseShape shape, SparseMemory<T> memory)
    {
        _memory = memory;
        _width = shape.Width;
        _stride = Rows.Padded<T>(shape.Width);
        _heads = shape.ReadHeads;
        _nearest = shape.Nearest;
        _best = new BestSlots(_heads, _nearest);
        _queryNorms = new float[_heads];
    }

    /// <summary>Nothing beside the memory is held.</summary>
    public long Bytes => 0;

    /// <summary>The memory is all it looks at.</summary>
    public void Start()
    {
    }

    /// <summary>The memory is all it looks at.</summary>
    public void Put(int slot, float* row)
    {
    }

    /// <inheritdoc/>
    public void Search(float* queries, int* found)
    {
        for (var head = 0; head < _heads; head++)
        {
            _queryNorms[head] = SparseMemory<T>.Norm(queries + (head * _stride), _width);
            _best.Clear(head);
        }

        var run = 4 * T.Count;
        for (var first = 0; first < _memory.Candidates; first += run)
        {
            for (var head = 0; head < _heads; head++)
            {
                Look(first, head, queries + (head * _stride), found + (head * _nearest));
            }
        }
    }

    /// <summary>Nothing of its own is held.</summary>
    public void Dispose()
    {
    }

    /// <summary>Looks at a run of four blocks for one query.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Look(int first, int head, float* query, int* found)
    {
        var lanes = T.Count;
        var size = _width * lanes;
        float* b0 = _memory.Blocks + ((long)first * _width), b1 = b0 + size, b2 = b1 + size, b3 = b2 + size;
        T f0, f1, f2, f3;
        f0 = f1 = f2 = f3 = T.All(0f);
        for (var m = 0; m < _width; m++)
        {
            var q = T.All(query[m]);
            f0 = T.MultiplyAdd(q, T.Load(b0 + (m * lanes)), f0);
            f1 = T.MultiplyAdd(q, T.Load(b1 + (m * lanes)), f1);
            f2 = T.MultiplyAdd(q, T.Load(b2 + (m * lanes)), f2);
            f3 = T.MultiplyAdd(q, T.Load(b3 + (m * lanes)), f3);
        }

        T norm = T.All(_queryNorms[head]), epsilon = T.All(CosineEpsilon);
        var norms = _memory.Norms + first;
        var g0 = T.MultiplyAdd(norm, T.Load(norms), epsilon);
        var g1 = T.MultiplyAdd(norm, T.Load(norms + lanes), epsilon);
        var g2 = T.MultiplyAdd(norm, T.Load(norms + (2 * lanes)), epsilon);
        var g3 = T.MultiplyAdd(norm, T.Load(norms + (3 * lanes)), epsilon);
        if (_best.IsFull(head))
        {
            var bound = T.All(_best.Worst(head) - Slack);
            var better = T.Max(
                T.Max(f0 - (bound * g0), f1 - (bound * g1)), T.Max(f2 - (bound * g2), f3 - (bound * g3)));
            if (T.Greatest(better) < 0)
            {
                return;
            }
        }

        var similarities = stackalloc float[4 * lanes];
        (f0 / g0).Store(similarities);
        (f1 / g1).Store(similarities + lanes);
        (f2 / g2).Store(similarities + (2 * lanes));
        (f3 / g3).Store(similarities + (3 * lanes));
        var count = Math.Min(4 * lanes, _memory.Candidates - first);
        var worst = _best.Worst(head);
        for (var i = 0; i < count; i++)
        {
            if (!(similarities[i] <= worst))
            {
                _best.Take(head, first + i, similarities[i], found);
                worst = _best.Worst(head);
            }
        }
    }
}
