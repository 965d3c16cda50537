namespace NtmLab.Kernels;

/// <content>The backward pass: every method undoes one of the forward pass, in the reverse order.</content>
internal sealed unsafe partial class DncGroup<T>
{
    /// <inheritdoc/>
    protected override void ClearMemoryGradients() => _carry!.Clear();

    /// <inheritdoc/>
    protected override void MemoryBackward(int t, int row, float* valueGradients)
    {
        var (last, state) = (_window.State(t, row, after: false), _window.State(t, row, after: true));
        var kept = _window.Kept(t, row);
        var gradient = _carry!.State(row);
        var values = Values(t, row);
        var readGradients = ReadGradients(row);
        _memory.ReadBackward(state.Memory, readGradients, gradient.Reads);
        Clock?.Lap(KernelPhase.MemoryBackward);
        ReadsBackward(values, valueGradients, last, state, kept, gradient, readGradients);
        _memory.WriteBackward(
            last.Memory,
            state.Write,
            values + _interface.Erase,
            values + _interface.Vector,
            gradient.Memory,
            gradient.Write,
            valueGradients + _interface.Erase,
            valueGradients + _interface.Vector);
        Clock?.Lap(KernelPhase.MemoryBackward);
        if (_shape.Links)
        {
            _links.UpdateBackward(
                state.Write, last.Precedence, last.Links, gradient.Write, gradient.Precedence, gradient.Links);
        }

        WriteBackward(values, valueGradients, last, kept, gradient);
        _usage.AllocateBackward(state.Usage, kept.Order, _carry.Allocation, gradient.Usage);
        _usage.Backward(
            values + _interface.FreeGates,
            last.Reads,
            last.Write,
            last.Usage,
            kept.Retention,
            gradient.Usage,
            gradient.Write,
            gradient.Reads,
            valueGradients + _interface.FreeGates);
        Clock?.Lap(KernelPhase.AddressingBackward);
        _interface.Backward(values, valueGradients);
    }

    /// <inheritdoc/>
    protected override void ExchangeMemoryGradients(int row, MemoryState state, bool takeIn)
    {
        var sequence = FirstSequence + row;
        var gradient = _carry!.State(row);
        foreach (var part in Parts(gradient))
        {
            LayerStates<T>.Move(
                state.Carried(part.Index), sequence, part.Offset, part.Own, _shape.Slots, takeIn, null);
        }

        if (state.Memory is { Values: not null, IsShared: false } memory)
        {
            var outside = memory.Of(sequence);
            if (takeIn)
            {
                _memory.FromSlots(outside, gradient.Memory);
            }
            else
            {
                _memory.ToSlots(gradient.Memory, outside);
            }
        }
    }

    /// <summary>
    /// Undoes the read weightings, and what reading and looking for the read keys give back to the memory. The gradients of this
    /// step's weightings make room for what the links give those of the step before.
    /// </summary>
    private void ReadsBackward(
        float* values,
        float* valueGradients,
        DncState last,
        DncState state,
        DncKept kept,
        DncState gradient,
        float* readGradients)
    {
        var keys = stackalloc KeyGradient[_shape.ReadHeads];
        Floats.Clear(gradient.Norms, _padded);
        for (var head = 0; head < _shape.ReadHeads; head++)
        {
            var mean = ReadWeightingBackward(head, values, valueGradients, last, state, kept, gradient);
            keys[head] = new KeyGradient(values + (head * _shape.Width), valueGradients + (head * _shape.Width));
            valueGradients[_interface.ReadStrengths + head] = LookBackward(
                keys[head],
                values[_interface.ReadStrengths + head],
                state,
                kept.Similarity(head),
                kept.Content(head),
                mean,
                _carry!.Products + ((long)head * _padded),
                gradient);
        }

        Clock?.Lap(KernelPhase.AddressingBackward);
        _memory.ContentBackward(
            state.Memory,
            gradient.Memory,
            gradient.Norms,
            _shape.ReadHeads,
            new ReadOnlySpan<KeyGradient>(keys, _shape.ReadHeads),
            _carry!.Products,
            readGradients,
            state.Reads);
        Clock?.Lap(KernelPhase.MemoryBackward);
    }

    /// <summary>From the gradient of a read weighting to that of its content weighting; gives the sum of their products.</summary>
    private float ReadWeightingBackward(
        int head, float* values, float* valueGradients, DncState last, DncState state, DncKept kept, DncState gradient)
    {
        var carry = _carry!;
        var weightingGradient = gradient.Reads + ((long)head * _padded);
        if (!_shape.Links)
        {
            Floats.Copy(weightingGradient, carry.Content, _padded);
            Floats.Clear(weightingGradient, _padded);
            return _weightings.Product(kept.Content(head), carry.Content);
        }

        var modes = _interface.Modes + (head * DncShape.Modes);
        var mean = _weightings.ReadBackward(
            values + modes,
            valueGradients + modes,
            kept.Backward(head),
            kept.Content(head),
            kept.Forward(head),
            weightingGradient,
            carry.Backward,
            carry.Content,
            carry.Forward);
        Floats.Clear(weightingGradient, _padded);
        _links.FollowBackward(
            state.Links,
            last.Reads + ((long)head * _padded),
            carry.Backward,
            carry.Forward,
            gradient.Links,
            weightingGradient);
        return mean;
    }

    /// <summary>Undoes the write weighting, and what looking for the write key gives back to the memory.</summary>
    private void WriteBackward(float* values, float* valueGradients, DncState last, DncKept kept, DncState gradient)
    {
        var carry = _carry!;
        (valueGradients[_interface.WriteGate], valueGradients[_interface.AllocationGate], var mean) =
            _weightings.WriteBackward(
                values[_interface.WriteGate],
                values[_interface.AllocationGate],
                kept.Allocation,
                kept.WriteContent,
                gradient.Write,
                carry.Allocation,
                carry.Content);
        Floats.Clear(gradient.Norms, _padded);
        var key = new KeyGradient(values + _interface.WriteKey, valueGradients + _interface.WriteKey);
        valueGradients[_interface.WriteStrength] = LookBackward(
            key,
            values[_interface.WriteStrength],
            last,
            kept.WriteSimilarity,
            kept.WriteContent,
            mean,
            carry.Products,
            gradient);
        Clock?.Lap(KernelPhase.AddressingBackward);
        _memory.ContentBackward(
            last.Memory, gradient.Memory, gradient.Norms, 1, new ReadOnlySpan<KeyGradient>(&key, 1), carry.Products, null, null);
        Clock?.Lap(KernelPhase.MemoryBackward);
    }

    /// <summary>From the gradient of a content weighting to those of key and strength, which it gives, and what the memory is told.</summary>
    private float LookBackward(
        KeyGradient key,
        float strength,
        DncState looked,
        float* similarity,
        float* content,
        float mean,
        float* products,
        DncState gradient) =>
        _content.Backward(
            key, strength, 1f, looked.Norms, similarity, content, mean, _carry!.Content, products, gradient.Norms);
}
