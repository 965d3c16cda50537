namespace NtmLab.Kernels;

/// <content>
/// Heads that are on one slot alone, that of the greatest weight. Where such a head goes is often certain from its gate and shift
/// weighting, and then nothing is computed over all slots: a step costs what it touches.
/// </content>
internal sealed unsafe partial class NtmGroup<T>
{
    private const int Nowhere = -1;

    /// <summary>The slot of each head, <c>[rows, heads]</c>, or <see cref="Nowhere"/> while its weighting is spread.</summary>
    private readonly int[] _focus;

    /// <summary>Notes the slot that a head starts on, if it starts on one alone.</summary>
    private void FindFocus(int row, int head, float* weighting)
    {
        var slot = GreatestSlot(weighting);
        _focus[(row * _shape.Heads) + head] = weighting[slot] == 1f ? slot : Nowhere;
    }

    /// <summary>Addresses, writes and reads.</summary>
    private void FocusForward(int t, int row)
    {
        var memory = _window.Memory(t, row, after: true);
        var focus = _focus.AsSpan(row * _shape.Heads, _shape.Heads);
        for (var head = _shape.ReadHeads; head < _shape.Heads; head++)
        {
            MoveFocus(head, t, row, ref focus[head], afterWrite: false);
        }

        Clock?.Lap(KernelPhase.Addressing);
        _memory.WriteTo(
            memory,
            focus[_shape.ReadHeads..],
            Values(t, row) + _interface.EraseStart,
            Values(t, row) + _interface.AddStart,
            _window.Norms(t, row, after: true));
        Clock?.Lap(KernelPhase.Memory);
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            MoveFocus(head, t, row, ref focus[head], afterWrite: true);
        }

        Clock?.Lap(KernelPhase.Addressing);
        _memory.ReadFrom(memory, focus[.._shape.ReadHeads], Reads(t + 1, row));
    }

    private void MoveFocus(int head, int t, int row, ref int focus, bool afterWrite)
    {
        var weighting = _window.Weighting(t, row, head, after: true);
        if (focus != Nowhere && _addressing.CertainShift(new HeadValues(Values(t, row), _places[head])) is { } shift)
        {
            weighting[focus] = 0;
            focus = (focus + shift + _shape.Slots) % _shape.Slots;
        }
        else
        {
            Address(head, t, row, afterWrite);
            focus = GreatestSlot(weighting);
            Floats.Clear(weighting, _slots);
        }

        weighting[focus] = 1;
    }

    /// <summary>The slot of the greatest weight, the first of several.</summary>
    private int GreatestSlot(float* weighting)
    {
        var weights = new ReadOnlySpan<float>(weighting, _shape.Slots);
        return weights.IndexOf(_addressing.Greatest(weighting));
    }
}
