using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <content>Erasing and writing, in both directions.</content>
internal sealed unsafe partial class SparseAccess<T>
{
    /// <summary>Writes.</summary>
    /// <param name="step">The step.</param>
    /// <param name="values">The activated interface values.</param>
    /// <param name="choose">Whether slots are chosen anew, or were in an earlier pass over this step.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(int step, float* values, bool choose)
    {
        var leastUsed = _journal.LeastUsed(step);
        if (choose)
        {
            _order.Least(_heads, leastUsed);
            Hold(leastUsed, _heads);
            _accessed.Clear();
        }

        Erase(step, leastUsed);
        for (var head = 0; head < _heads; head++)
        {
            var (writeGate, gate) = (values[_interface.WriteGates + head], values[_interface.Gates + head]);
            var add = Padded(values + _interface.Adds + (head * _width), _adds, head);
            var unused = writeGate * (1 - gate);
            var reread = writeGate * gate;
            AddScaled(NewRow(head), unused, add);
            var last = _journal.LastRead(step, head);
            for (var i = 0; i < last.Count; i++)
            {
                var weight = reread * last.Weights[i];
                AddScaled(NewRow(_written.Find(last.Slots[i])), weight, add);
                if (last.Slots[i] == leastUsed[head])
                {
                    unused += weight;
                }
                else if (choose && weight > AccessThreshold)
                {
                    _accessed.Add(last.Slots[i]);
                }
            }

            if (choose && unused > AccessThreshold)
            {
                _accessed.Add(leastUsed[head]);
            }
        }

        for (var i = 0; i < _written.Count; i++)
        {
            var row = NewRow(i);
            _memory.Put(_written[i], row, SparseMemory<T>.Norm(row, _width));
            if (choose)
            {
                _search.Put(_written[i], row);
            }
        }
    }

    /// <summary>Undoes <see cref="Write"/>, all but the contents of the memory.</summary>
    /// <param name="step">The step.</param>
    /// <param name="values">The activated interface values.</param>
    /// <param name="gradients">Gets the gradients of gates and add vectors.</param>
    /// <param name="start">
    /// Before the first step, gets the gradients of what was read by the start, <c>[heads, slots]</c>: those of slots with a weight
    /// of 0 too; null where they are not wanted.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void WriteBackward(int step, float* values, float* gradients, float* start)
    {
        var leastUsed = _journal.LeastUsed(step);
        for (var head = 0; head < _heads; head++)
        {
            var (writeGate, gate) = (values[_interface.WriteGates + head], values[_interface.Gates + head]);
            var add = Padded(values + _interface.Adds + (head * _width), _adds, head);
            if (start is not null)
            {
                StartReadGradients(writeGate * gate, add, start + ((long)head * _slots));
            }

            var sum = _sum.Pointer;
            Floats.Clear(sum, _stride);
            var row = _gradients.Of(leastUsed[head]);
            var unused = Dot(row, add);
            AddScaled(sum, writeGate * (1 - gate), row);

            var reread = 0f;
            var last = _journal.LastRead(step, head);
            for (var i = 0; i < last.Count; i++)
            {
                row = _gradients.Of(last.Slots[i]);
                var weightGradient = Dot(row, add);
                reread += last.Weights[i] * weightGradient;
                AddScaled(sum, writeGate * gate * last.Weights[i], row);
                if (step > 0)
                {
                    _readGradients.Pointer[(head * _nearest) + i] = writeGate * gate * weightGradient;
                }
            }

            gradients[_interface.WriteGates + head] = (gate * reread) + ((1 - gate) * unused);
            gradients[_interface.Gates + head] = writeGate * (reread - unused);
            Floats.Copy(sum, gradients + _interface.Adds + (head * _width), _width);
        }

        for (var head = 0; head < _heads; head++)
        {
            Floats.Clear(_gradients.Of(leastUsed[head]), _stride);
        }
    }

    /// <summary>Puts back what a step wrote: the memory is that of before it, bit for bit.</summary>
    public void Undo(int step)
    {
        for (var i = 0; i < _journal.Written(step); i++)
        {
            var old = _journal.Old(step, i);
            _memory.Put(_journal.WrittenSlot(step, i), old, old[_width]);
        }
    }

    /// <summary>
    /// Takes what a step will write out of the memory, and keeps it: first the least recently used slots, which become zeros, then
    /// those that were read last.
    /// </summary>
    private void Erase(int step, int* leastUsed)
    {
        _written.Clear();
        for (var head = 0; head < _heads; head++)
        {
            _written.Add(leastUsed[head]);
        }

        for (var head = 0; head < _heads; head++)
        {
            var last = _journal.LastRead(step, head);
            for (var i = 0; i < last.Count; i++)
            {
                _written.Add(last.Slots[i]);
            }
        }

        _journal.BeginWrite(step, _written.Count);
        _newRows.Grow((long)_written.Count * _stride);
        for (var i = 0; i < _written.Count; i++)
        {
            var slot = _written[i];
            var old = _journal.Old(step, i);
            _journal.WrittenSlot(step, i) = slot;
            _memory.Get(slot, old);
            old[_width] = _memory.Norms[slot];
            Floats.Clear(NewRow(i), _stride);
            if (i >= _heads)
            {
                Floats.Copy(old, NewRow(i), _width);
            }
        }
    }

    private void StartReadGradients(float reread, float* add, float* start)
    {
        Floats.Clear(start, _slots);
        for (var i = 0; i < _gradients.Count; i++)
        {
            start[_gradients.Slot(i)] = reread * Dot(_gradients.Row(i), add);
        }
    }

    private float* NewRow(int index) => _newRows.Pointer + ((long)index * _stride);
}
