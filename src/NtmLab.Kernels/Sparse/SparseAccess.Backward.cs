using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <content>The backward pass: every method undoes one of the forward pass, in the reverse order.</content>
internal sealed unsafe partial class SparseAccess<T>
{
    private readonly RowGradients _gradients;

    /// <summary>Gradients of the weights of what was read last, <c>[heads, K]</c>.</summary>
    private readonly NativeBuffer _readGradients;

    /// <summary>Nothing comes back from beyond the end of the sequence.</summary>
    public void ClearGradients()
    {
        _gradients.Clear();
        _readGradients.Clear();
    }

    /// <summary>Takes the gradients of the final state in.</summary>
    /// <param name="steps">Steps of the sequence.</param>
    /// <param name="memory">That of the memory, <c>[slots, width]</c>; null where it is 0.</param>
    /// <param name="readWeightings">That of what was read last, <c>[heads, slots]</c>; null where it is 0.</param>
    public void TakeInGradients(int steps, float* memory, float* readWeightings)
    {
        // Slots that were never touched have the contents they started with, which nothing trains.
        for (var slot = 0; memory is not null && slot < _memory.Held; slot++)
        {
            Floats.Copy(memory + ((long)slot * _width), _gradients.Of(slot), _width);
        }

        for (var i = 0; readWeightings is not null && i < _heads * _nearest; i++)
        {
            var slot = _journal.Read(steps - 1)[i];
            _readGradients.Pointer[i] = readWeightings[((long)(i / _nearest) * _slots) + slot];
        }
    }

    /// <summary>Gives the gradients of the start's memory out.</summary>
    /// <param name="memory">Gets them, <c>[slots, width]</c>.</param>
    public void GiveOutGradients(float* memory)
    {
        for (var slot = 0; slot < _slots; slot++)
        {
            Floats.Clear(memory + ((long)slot * _width), _width);
        }

        for (var i = 0; i < _gradients.Count; i++)
        {
            Floats.Copy(_gradients.Row(i), memory + ((long)_gradients.Slot(i) * _width), _width);
        }
    }

    /// <summary>Undoes <see cref="Read"/>.</summary>
    /// <param name="step">The step; the memory is as it left it.</param>
    /// <param name="values">The activated interface values.</param>
    /// <param name="reads">Gradients of the read vectors, <c>[heads, width]</c>.</param>
    /// <param name="gradients">Gets the gradients of queries and key strengths.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ReadBackward(int step, float* values, float* reads, float* gradients)
    {
        for (var head = 0; head < _heads; head++)
        {
            var place = head * _nearest;
            var slots = _journal.Read(step) + place;
            var weights = _journal.Weights(step) + place;
            var similarities = _journal.Similarities(step) + place;
            var weightGradients = _readGradients.Pointer + place;
            var query = Padded(values + (head * _width), _queries, head);
            var queryNorm = SparseMemory<T>.Norm(query, _width);
            var strength = values[_interface.Strengths + head];
            var read = Padded(reads + (head * _width), _adds, head);

            var mean = 0f;
            for (var i = 0; i < _nearest; i++)
            {
                _memory.Get(slots[i], _row.Pointer);
                weightGradients[i] += Dot(read, _row.Pointer);
                mean += weights[i] * weightGradients[i];
            }

            _sum.Clear();
            var (strengthGradient, queryNormGradient) = (0f, 0f);
            for (var i = 0; i < _nearest; i++)
            {
                var exponentGradient = weights[i] * (weightGradients[i] - mean);
                strengthGradient += exponentGradient * similarities[i];
                var norm = _memory.Norms[slots[i]];
                var product = strength * exponentGradient / MathF.FusedMultiplyAdd(queryNorm, norm, CosineEpsilon);
                var scale = -product * similarities[i];
                queryNormGradient += scale * norm;
                _memory.Get(slots[i], _row.Pointer);
                AddScaled(_sum.Pointer, product, _row.Pointer);
                AddRowGradient(_gradients.Of(slots[i]), product, query, scale * queryNorm / norm, weights[i], read);
            }

            AddScaled(_sum.Pointer, queryNormGradient / queryNorm, query);
            Floats.Copy(_sum.Pointer, gradients + (head * _width), _width);
            gradients[_interface.Strengths + head] = strengthGradient;
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

            _sum.Clear();
            var row = _gradients.Of(leastUsed[head]);
            var unused = Dot(row, add);
            AddScaled(_sum.Pointer, writeGate * (1 - gate), row);

            var reread = 0f;
            var last = _journal.LastRead(step, head);
            for (var i = 0; i < last.Count; i++)
            {
                row = _gradients.Of(last.Slots[i]);
                var weightGradient = Dot(row, add);
                reread += last.Weights[i] * weightGradient;
                AddScaled(_sum.Pointer, writeGate * gate * last.Weights[i], row);
                if (step > 0)
                {
                    _readGradients.Pointer[(head * _nearest) + i] = writeGate * gate * weightGradient;
                }
            }

            gradients[_interface.WriteGates + head] = (gate * reread) + ((1 - gate) * unused);
            gradients[_interface.Gates + head] = writeGate * (reread - unused);
            Floats.Copy(_sum.Pointer, gradients + _interface.Adds + (head * _width), _width);
        }

        for (var head = 0; head < _heads; head++)
        {
            Floats.Clear(_gradients.Of(leastUsed[head]), _stride);
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

    /// <summary><c>dM += product q + scale M + weight dread</c>, M the row that was got last.</summary>
    private void AddRowGradient(float* gradient, float product, float* query, float scale, float weight, float* read)
    {
        AddScaled(gradient, product, query);
        AddScaled(gradient, scale, _row.Pointer);
        AddScaled(gradient, weight, read);
    }
}
