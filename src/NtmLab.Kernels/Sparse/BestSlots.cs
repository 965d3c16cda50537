namespace NtmLab.Kernels;

/// <summary>The K best slots so far of each query, the most similar first, of equal ones the one that came first.</summary>
/// <param name="heads">How many queries.</param>
/// <param name="nearest">The number of slots K.</param>
internal sealed unsafe class BestSlots(int heads, int nearest)
{
    private readonly float[] _best = new float[heads * nearest];
    private readonly int[] _counts = new int[heads];

    /// <summary>Forgets all of one query's.</summary>
    public void Clear(int head) => _counts[head] = 0;

    /// <summary>Whether a query has K.</summary>
    public bool IsFull(int head) => _counts[head] == nearest;

    /// <summary>What a slot must be better than.</summary>
    public float Worst(int head) => IsFull(head) ? _best[((head + 1) * nearest) - 1] : float.NegativeInfinity;

    /// <summary>Puts a slot among the best so far, in the place of the worst where there are enough.</summary>
    /// <param name="head">The query.</param>
    /// <param name="slot">A slot that is better than the worst.</param>
    /// <param name="similarity">Its similarity.</param>
    /// <param name="found">The query's slots, <c>[K]</c>.</param>
    public void Take(int head, int slot, float similarity, int* found)
    {
        var best = _best.AsSpan(head * nearest, nearest);
        ref var count = ref _counts[head];
        var place = count < nearest ? count++ : count - 1;
        for (; place > 0 && similarity > best[place - 1]; place--)
        {
            best[place] = best[place - 1];
            found[place] = found[place - 1];
        }

        best[place] = similarity;
        found[place] = slot;
    }
}
