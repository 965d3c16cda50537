namespace NtmLab.Kernels;

/// <summary>Gradients of the slots of one memory that have any; those of all others are 0.</summary>
/// <param name="stride">Floats of a row.</param>
internal sealed unsafe class RowGradients(int stride) : IDisposable
{
    private readonly SlotTable _slots = new();
    private readonly NativeBuffer _rows = new(0);

    /// <summary>Bytes held.</summary>
    public long Bytes => _slots.Bytes + _rows.Bytes;

    /// <summary>How many rows there are.</summary>
    public int Count => _slots.Count;

    /// <summary>Forgets all.</summary>
    public void Clear() => _slots.Clear();

    /// <summary>The slot of a row.</summary>
    public int Slot(int number) => _slots[number];

    /// <summary>A row by its number; until the next one is added.</summary>
    public float* Row(int number) => _rows.Pointer + ((long)number * stride);

    /// <summary>A slot's row, of zeros if it is new; until the next one is added.</summary>
    public float* Of(int slot)
    {
        var number = _slots.Find(slot);
        if (number < 0)
        {
            number = _slots.Add(slot);
            _rows.Grow((number + 1L) * stride);
            Floats.Clear(Row(number), stride);
        }

        return Row(number);
    }

    /// <inheritdoc/>
    public void Dispose() => _rows.Dispose();
}
