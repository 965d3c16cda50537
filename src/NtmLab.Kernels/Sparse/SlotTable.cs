namespace NtmLab.Kernels;

/// <summary>
/// A few slots among many, each with a number of its own from 0 on, in the order in which they came. Forgetting them costs
/// nothing: what is left in the table is only believed where the list of slots agrees.
/// </summary>
internal sealed class SlotTable
{
    private int[] _numbers = [];
    private int[] _slots = new int[16];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes held.</summary>
    public long Bytes => (_numbers.Length + _slots.Length) * (long)sizeof(int);

    /// <summary>The slot of a number.</summary>
    public int this[int number] => _slots[number];

    /// <summary>Forgets all.</summary>
    public void Clear() => Count = 0;

    /// <summary>The number of a slot; less than 0 if it has none.</summary>
    public int Find(int slot)
    {
        if (slot >= _numbers.Length)
        {
            return -1;
        }

        var number = _numbers[slot];
        return number < Count && _slots[number] == slot ? number : -1;
    }

    /// <summary>The number of a slot, a new one if it has none.</summary>
    public int Add(int slot)
    {
        var number = Find(slot);
        if (number >= 0)
        {
            return number;
        }

        if (slot >= _numbers.Length)
        {
            Array.Resize(ref _numbers, Math.Max(slot + 1, 2 * _numbers.Length));
        }

        if (Count == _slots.Length)
        {
            Array.Resize(ref _slots, 2 * Count);
        }

        _numbers[slot] = Count;
        _slots[Count] = slot;
        return Count++;
    }
}
