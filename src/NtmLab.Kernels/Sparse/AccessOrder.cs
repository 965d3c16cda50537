namespace NtmLab.Kernels;

/// <summary>
/// Which slots of one sequence were not accessed for longest. Of a fresh sequence's slots, where slot i of N counts as accessed
/// at i - N, only those held are listed: first those not accessed since the start, in the start's order, then, behind them, the
/// slots that are not held, by their numbers; last those accessed since, in the order of their last access, and of one step's by
/// their numbers. A step costs what it accesses.
/// </summary>
/// <param name="slots">The number of slots N.</param>
internal sealed unsafe class AccessOrder(int slots)
{
    /// <summary>Where the list of slots not accessed since the start begins and ends.</summary>
    private const int Untouched = 0;

    /// <summary>Where the list of slots accessed since the start begins and ends.</summary>
    private const int Accessed = 1;

    /// <summary>The place of slot 0.</summary>
    private const int FirstSlot = 2;

    private int[] _next = new int[FirstSlot];
    private int[] _previous = new int[FirstSlot];
    private float[] _usage = [];
    private int _held;

    /// <summary>Bytes held.</summary>
    public long Bytes => (_next.Length + _previous.Length + _usage.Length) * (long)sizeof(int);

    /// <summary>Every slot counts as accessed before the start, in the order of the slots.</summary>
    public void Start()
    {
        _held = 0;
        Empty();
    }

    /// <summary>Every slot has a usage of its own.</summary>
    /// <param name="usage">When each was accessed, in steps, the first step being 0; less than 0.</param>
    public void Start(float* usage)
    {
        Empty();
        MakeRoom(slots);
        _held = slots;
        new ReadOnlySpan<float>(usage, slots).CopyTo(_usage);
        var keys = _usage.AsSpan(0, slots).ToArray();
        var order = new int[slots];
        for (var slot = 0; slot < slots; slot++)
        {
            order[slot] = slot;
        }

        // Stable: the slots of a run of equal usages are put back into their order.
        Array.Sort(keys, order);
        for (int first = 0, last; first < slots; first = last)
        {
            for (last = first + 1; last < slots && keys[last] == keys[first]; last++)
            {
            }

            order.AsSpan(first, last - first).Sort();
        }

        foreach (var slot in order)
        {
            Append(Untouched, slot);
        }
    }

    /// <summary>Lists all slots before this one.</summary>
    public void Hold(int held)
    {
        MakeRoom(held);
        for (; _held < held; _held++)
        {
            _usage[_held] = _held - slots;
            Append(Untouched, _held);
        }
    }

    /// <summary>Gives the slots that were not accessed for longest, the longest first.</summary>
    public void Least(int count, int* least)
    {
        var found = 0;
        for (var place = _next[Untouched]; place != Untouched && found < count; place = _next[place])
        {
            least[found++] = place - FirstSlot;
        }

        for (var slot = _held; slot < slots && found < count; slot++)
        {
            least[found++] = slot;
        }

        for (var place = _next[Accessed]; found < count; place = _next[place])
        {
            least[found++] = place - FirstSlot;
        }
    }

    /// <summary>A slot that is held is accessed; those of one step in the order of their numbers.</summary>
    public void Access(int slot, int step)
    {
        var place = slot + FirstSlot;
        _next[_previous[place]] = _next[place];
        _previous[_next[place]] = _previous[place];
        _usage[slot] = step;
        Append(Accessed, slot);
    }

    /// <summary>When a slot was last accessed, in steps, the first step being 0.</summary>
    public float Usage(int slot) => slot < _held ? _usage[slot] : slot - slots;

    private void Empty()
    {
        _next[Untouched] = _previous[Untouched] = Untouched;
        _next[Accessed] = _previous[Accessed] = Accessed;
    }

    private void Append(int list, int slot)
    {
        var place = slot + FirstSlot;
        var last = _previous[list];
        _next[last] = place;
        _previous[place] = last;
        _next[place] = list;
        _previous[list] = place;
    }

    private void MakeRoom(int count)
    {
        if (count > _usage.Length)
        {
            var size = Math.Max(count, Math.Min(2 * _usage.Length, slots));
            Array.Resize(ref _usage, size);
            Array.Resize(ref _next, FirstSlot + size);
            Array.Resize(ref _previous, FirstSlot + size);
        }
    }
}
