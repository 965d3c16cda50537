namespace NtmLab.Kernels;

/// <content>The backward pass: every method undoes one of the forward pass, in the reverse order.</content>
internal sealed unsafe partial class NtmGroup<T>
{
    /// <summary>The gradient of each sequence's cost: every step adds to it, so it is the same in all of them.</summary>
    private readonly float[] _costGradient;

    /// <inheritdoc/>
    protected override void ClearMemoryGradients()
    {
        _carry!.Clear();
        Array.Clear(_costGradient);
    }

    /// <inheritdoc/>
    protected override void MemoryBackward(int t, int row, float* valueGradients)
    {
        var values = Values(t, row);
        var readGradients = ReadGradients(row);
        _memory.ReadBackward(_window.Memory(t, row, after: true), readGradients, WeightingGradient(row, 0));
        _price?.WeightingsBackward(
            _costGradient[row], _window.Weighting(t, row, 0, after: true), WeightingGradient(row, 0));
        Clock?.Lap(KernelPhase.MemoryBackward);
        AddressBackward(t, row, 0, _shape.ReadHeads, valueGradients, afterWrite: true, readGradients);
        _memory.WriteBackward(
            _window.Memory(t, row, after: false),
            _window.Weighting(t, row, _shape.ReadHeads, after: true),
            values + _interface.EraseStart,
            values + _interface.AddStart,
            MemoryGradient(row),
            WeightingGradient(row, _shape.ReadHeads),
            valueGradients + _interface.EraseStart,
            valueGradients + _interface.AddStart);
        _price?.WritesBackward(
            _costGradient[row],
            values + _interface.AddStart,
            valueGradients + _interface.EraseStart,
            valueGradients + _interface.AddStart);
        Clock?.Lap(KernelPhase.MemoryBackward);
        AddressBackward(t, row, _shape.ReadHeads, _shape.Heads, valueGradients, afterWrite: false, readGradients: null);

        Clock?.Lap(KernelPhase.MemoryBackward);
        _interface.Backward(values, valueGradients);
    }

    /// <inheritdoc/>
    protected override void ExchangeMemoryGradients(int row, MemoryState state, bool takeIn)
    {
        var sequence = FirstSequence + row;
        for (var head = 0; head < _shape.Heads; head++)
        {
            var (part, index) = head < _shape.ReadHeads
                ? (state.Carried(NtmShape.ReadWeightings), head)
                : (state.Carried(NtmShape.WriteWeightings), head - _shape.ReadHeads);
            LayerStates<T>.Move(
                part, sequence, (long)index * _shape.Slots, WeightingGradient(row, head), _shape.Slots, takeIn, null);
        }

        if (_price is not null && state.Carried(NtmShape.Price) is { Values: not null, IsShared: false } cost)
        {
            if (takeIn)
            {
                _costGradient[row] = *cost.Of(sequence);
            }
            else
            {
                *cost.Of(sequence) = _costGradient[row];
            }
        }

        if (state.Memory is { Values: not null, IsShared: false } memory)
        {
            var outside = memory.Of(sequence);
            if (takeIn)
            {
                _memory.FromSlots(outside, MemoryGradient(row));
            }
            else
            {
                _memory.ToSlots(MemoryGradient(row), outside);
            }
        }
    }

    /// <summary>Undoes the addressing of the heads that looked at one memory, and with it their reads, if they have any.</summary>
    private void AddressBackward(
        int t, int row, int from, int to, float* valueGradients, bool afterWrite, float* readGradients)
    {
        var carry = _carry!;
        var keys = stackalloc KeyGradient[to - from];
        Floats.Clear(carry.NormGradient, _slots);
        for (var head = from; head < to; head++)
        {
            var headValues = new HeadValues(Values(t, row), _places[head]);
            var headGradient = new HeadValues(valueGradients, _places[head]);
            _addressing.Backward(
                headValues,
                headGradient,
                _window.Norms(t, row, afterWrite),
                _window.Weighting(t, row, head, after: false),
                _window.Kept(t, row, head),
                _window.Weighting(t, row, head, after: true),
                WeightingGradient(row, head),
                carry.ProductGradients + ((head - from) * _slots),
                carry.NormGradient);
            keys[head - from] = new KeyGradient(headValues.Key, headGradient.Key);
        }

        Clock?.Lap(KernelPhase.AddressingBackward);
        _memory.ContentBackward(
            _window.Memory(t, row, afterWrite),
            MemoryGradient(row),
            carry.NormGradient,
            to - from,
            new ReadOnlySpan<KeyGradient>(keys, to - from),
            carry.ProductGradients,
            readGradients,
            readGradients is null ? null : _window.Weighting(t, row, from, after: true));
    }

    private float* MemoryGradient(int row) => _carry!.Memory + ((long)row * _memory.Size);

    private float* WeightingGradient(int row, int head) =>
        _carry!.Weightings + ((((long)row * _shape.Heads) + head) * _slots);
}
