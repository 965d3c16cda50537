using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <content>Choosing slots and reading them, in both directions.</content>
internal sealed unsafe partial class SparseAccess<T>
{
    /// <summary>Chooses the slots to read.</summary>
    /// <param name="step">The step, after its <see cref="Write"/>.</param>
    /// <param name="values">The activated interface values.</param>
    public void Choose(int step, float* values)
    {
        for (var head = 0; head < _heads; head++)
        {
            Padded(values + (head * _width), _queries, head);
        }

        var found = _journal.Read(step);
        _search.Search(_queries.Pointer, found);
        Hold(found, _heads * _nearest);
    }

    /// <summary>Reads the slots that were chosen.</summary>
    /// <param name="step">The step.</param>
    /// <param name="values">The activated interface values.</param>
    /// <param name="choose">Whether the slots were chosen just now.</param>
    /// <param name="reads">Gets the read vectors, <c>[heads, width]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(int step, float* values, bool choose, float* reads)
    {
        for (var head = 0; head < _heads; head++)
        {
            var place = head * _nearest;
            var slots = _journal.Read(step) + place;
            var weights = _journal.Weights(step) + place;
            var similarities = _journal.Similarities(step) + place;
            var query = Padded(values + (head * _width), _queries, head);
            var queryNorm = SparseMemory<T>.Norm(query, _width);
            var rows = _rows.Pointer;
            for (var i = 0; i < _nearest; i++)
            {
                _memory.Get(slots[i], rows + (i * _stride));
                var scale = MathF.FusedMultiplyAdd(queryNorm, _memory.Norms[slots[i]], CosineEpsilon);
                similarities[i] = Dot(query, rows + (i * _stride)) / scale;
            }

            Softmax(similarities, values[_interface.Strengths + head], weights);
            var sum = _sum.Pointer;
            Floats.Clear(sum, _stride);
            for (var i = 0; i < _nearest; i++)
            {
                AddScaled(sum, weights[i], rows + (i * _stride));
                if (choose && weights[i] > AccessThreshold)
                {
                    _accessed.Add(slots[i]);
                }
            }

            Floats.Copy(sum, reads + (head * _width), _width);
        }

        if (choose)
        {
            Access(step);
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

            var rows = _rows.Pointer;
            var mean = 0f;
            for (var i = 0; i < _nearest; i++)
            {
                _memory.Get(slots[i], rows + (i * _stride));
                weightGradients[i] += Dot(read, rows + (i * _stride));
                mean += weights[i] * weightGradients[i];
            }

            var sum = _sum.Pointer;
            Floats.Clear(sum, _stride);
            var (strengthGradient, queryNormGradient) = (0f, 0f);
            for (var i = 0; i < _nearest; i++)
            {
                var exponentGradient = weights[i] * (weightGradients[i] - mean);
                strengthGradient += exponentGradient * similarities[i];
                var norm = _memory.Norms[slots[i]];
                var product = strength * exponentGradient / MathF.FusedMultiplyAdd(queryNorm, norm, CosineEpsilon);
                var scale = -product * similarities[i];
                queryNormGradient += scale * norm;
                var row = rows + (i * _stride);
                AddScaled(sum, product, row);
                var rowGradient = _gradients.Of(slots[i]);
                AddScaled(rowGradient, product, query);
                AddScaled(rowGradient, scale * queryNorm / norm, row);
                AddScaled(rowGradient, weights[i], read);
            }

            AddScaled(sum, queryNormGradient / queryNorm, query);
            Floats.Copy(sum, gradients + (head * _width), _width);
            gradients[_interface.Strengths + head] = strengthGradient;
        }
    }

    private void Access(int step)
    {
        _accessed.Sort();
        var last = -1;
        foreach (var slot in _accessed)
        {
            if (slot != last)
            {
                _order.Access(slot, step);
            }

            last = slot;
        }
    }

    /// <summary>The softmax of key strength times similarity.</summary>
    private void Softmax(float* similarities, float strength, float* weights)
    {
        var greatest = similarities[0];
        for (var i = 1; i < _nearest; i++)
        {
            greatest = MathF.Max(greatest, similarities[i]);
        }

        var exponents = _exponents.Pointer;
        for (var i = 0; i < _nearest; i++)
        {
            exponents[i] = strength * (similarities[i] - greatest);
        }

        for (var i = 0; i < _nearest; i += T.Count)
        {
            LaneMath.Exp(T.Load(exponents + i)).Store(exponents + i);
        }

        var sum = 0f;
        for (var i = 0; i < _nearest; i++)
        {
            sum += exponents[i];
        }

        var inverse = 1 / sum;
        for (var i = 0; i < _nearest; i++)
        {
            weights[i] = exponents[i] * inverse;
        }
    }
}
