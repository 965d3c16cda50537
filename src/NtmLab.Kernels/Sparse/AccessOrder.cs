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
        var keys = new long[slots];
        var isSorted = true;
        for (var slot = 0; slot < slots; slot++)
        {
            keys[slot] = Key(slot);
            isSorted &= slot == 0 || keys[slot - 1] < keys[slot];
        }

        if (!isSorted)
        {
            Array.Sort(keys);
        }

        foreach (var key in keys)
        {
            Append(Untouched, (int)key);
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

    /// <summary>A whole number that is greater where the usage is, and of equal usages where the slot is; its low half is the slot.</summary>
    private long Key(int slot)
    {
        // A float's bits rise with it; those of negative ones fall.
        var bits = BitConverter.SingleToInt32Bits(_usage[slot]);
        return ((long)(bits < 0 ? int.MinValue - bits : bits) << 32) | (uint)slot;
    }

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
