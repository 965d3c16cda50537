using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// How one sequence writes and reads its sparse memory (Rae et al. 2016, section 3). Forward, with query q, key strength beta,
/// write gate alpha, interpolation gate gamma and add vector a of head h, r' what it read one step ago, u_h the h-th least
/// recently used slot:
/// <code>
/// w_h(i) = alpha_h (gamma_h r'_h(i) + (1 - gamma_h) [i = u_h])
/// M(i)   = [i is no u] M'(i) + sum_h w_h(i) a_h
/// s_h(i) = f / g,  f = q_h . M(i),  g = |q_h| n(i) + epsilon          for the K slots i of greatest s_h
/// r_h(i) = e^(beta_h s_h(i)) / sum_j e^(beta_h s_h(j))
/// read_h = sum_i r_h(i) M(i)
/// </code>
/// Backward, with dM and dr' carried to the step before; which slots were chosen is not differentiated:
/// <code>
/// dr_h(i) += dread_h . M(i)               dM(i) += r_h(i) dread_h
/// dz(i) = r_h(i) (dr_h(i) - sum_j r_h(j) dr_h(j))
/// dbeta_h = sum_i dz(i) s_h(i)            df(i) = beta_h dz(i) / g(i)         dg(i) = -df(i) s_h(i)
/// dq_h = sum_i (df(i) M(i) + dg(i) n(i) q_h / |q_h|)
/// dM(i) += df(i) q_h + dg(i) |q_h| M(i) / n(i)
///
/// dw_h(i) = dM(i) . a_h                   da_h = sum_i w_h(i) dM(i)
/// dr'_h(i) = alpha_h gamma_h dw_h(i)
/// dalpha_h = gamma_h sum_i r'_h(i) dw_h(i) + (1 - gamma_h) dw_h(u_h)
/// dgamma_h = alpha_h (sum_i r'_h(i) dw_h(i) - dw_h(u_h))
/// dM'(i) = [i is no u] dM(i)
/// </code>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe partial class SparseAccess<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private const float CosineEpsilon = ContentAddressing<T>.CosineEpsilon;

    /// <summary>A slot counts as accessed where it is read or written with a weight greater than this, delta.</summary>
    private const float AccessThreshold = 0.005f;

    private readonly SparseInterface<T> _interface;
    private readonly int _slots;
    private readonly int _width;
    private readonly int _stride;
    private readonly int _heads;
    private readonly int _nearest;
    private readonly SparseMemory<T> _memory;
    private readonly ISlotSearch _search;
    private readonly AccessOrder _order;
    private readonly SparseJournal _journal;
    private readonly SlotTable _written = new();
    private readonly List<int> _accessed = [];
    private readonly NativeBuffer _newRows = new(0);
    private readonly NativeBuffer _adds;
    private readonly NativeBuffer _queries;
    private readonly NativeBuffer _rows;
    private readonly NativeBuffer _sum;
    private readonly NativeBuffer _exponents;
    private readonly RowGradients _gradients;

    /// <summary>Gradients of the weights of what was read last, <c>[heads, K]</c>.</summary>
    private readonly NativeBuffer _readGradients;

    /// <summary>Makes a memory that holds nothing yet.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="heads">Where the heads' parameters stand.</param>
    /// <param name="plan">How time is cut.</param>
    /// <param name="search">Makes what finds the slots to read.</param>
    public SparseAccess(
        SparseShape shape, SparseInterface<T> heads, SegmentPlan plan, Func<SparseMemory<T>, ISlotSearch> search)
    {
        _interface = heads;
        _slots = shape.Slots;
        _width = shape.Width;
        _stride = Rows.Padded<T>(shape.Width);
        _heads = shape.ReadHeads;
        _nearest = shape.Nearest;
        _memory = new SparseMemory<T>(shape);
        _search = search(_memory);
        _order = new AccessOrder(shape.Slots);
        _journal = new SparseJournal(shape, plan);
        _adds = new NativeBuffer((long)_heads * _stride);
        _queries = new NativeBuffer((long)_heads * _stride);
        _rows = new NativeBuffer((long)_nearest * _stride);
        _sum = new NativeBuffer(_stride);
        _exponents = new NativeBuffer(Rows.Padded<T>(_nearest));
        _gradients = new RowGradients(_stride);
        _readGradients = new NativeBuffer((long)_heads * _nearest);
    }

    /// <summary>Bytes held.</summary>
    public long Bytes =>
        _memory.Bytes + _search.Bytes + _order.Bytes + _journal.Bytes + _written.Bytes + _newRows.Bytes + _gradients.Bytes;

    /// <summary>Begins a sequence whose slots are all blank, where nothing was read.</summary>
    public void Start()
    {
        _memory.Start();
        _order.Start();
        _journal.Start();
        _search.Start();
    }

    /// <summary>Begins a sequence from a state.</summary>
    /// <param name="memory">Memory, <c>[slots, width]</c>.</param>
    /// <param name="readWeightings">What was read last, <c>[heads, slots]</c>.</param>
    /// <param name="usage">When each slot was last accessed, the coming step being 0, <c>[slots]</c>.</param>
    public void Start(float* memory, float* readWeightings, float* usage)
    {
        _memory.Start(memory);
        _order.Start(usage);
        _journal.Start(readWeightings, _slots);
        _search.Start();
    }

    /// <summary>Gives out the state after some steps.</summary>
    /// <param name="steps">How many steps were taken.</param>
    /// <param name="memory">Gets the memory, <c>[slots, width]</c>.</param>
    /// <param name="readWeightings">Gets what was read last, <c>[heads, slots]</c>.</param>
    /// <param name="usage">Gets when each slot was last accessed, the coming step being 0, <c>[slots]</c>.</param>
    public void Finish(int steps, float* memory, float* readWeightings, float* usage)
    {
        _memory.CopyTo(memory);
        for (var head = 0; head < _heads; head++)
        {
            CopyReadWeighting(steps - 1, head, readWeightings + ((long)head * _slots));
        }

        for (var slot = 0; slot < _slots; slot++)
        {
            usage[slot] = _order.Usage(slot) - steps;
        }
    }

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

    /// <summary>Gives out what the heads did in the step just taken, as the reference engine tells it.</summary>
    /// <param name="step">The step.</param>
    /// <param name="values">The activated interface values.</param>
    /// <param name="weightings">Gets read weightings, write weightings and what was erased, <c>[2 heads + 1, slots]</c>.</param>
    public void Trace(int step, float* values, float* weightings)
    {
        var erased = weightings + (2L * _heads * _slots);
        Floats.Clear(erased, _slots);
        for (var head = 0; head < _heads; head++)
        {
            CopyReadWeighting(step, head, weightings + ((long)head * _slots));
            var write = weightings + ((long)(_heads + head) * _slots);
            Floats.Clear(write, _slots);
            var (writeGate, gate) = (values[_interface.WriteGates + head], values[_interface.Gates + head]);
            var last = _journal.LastRead(step, head);
            for (var i = 0; i < last.Count; i++)
            {
                write[last.Slots[i]] = writeGate * gate * last.Weights[i];
            }

            var leastUsed = _journal.LeastUsed(step)[head];
            write[leastUsed] += writeGate * (1 - gate);
            erased[leastUsed] = 1;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in new IDisposable[]
        {
            _memory, _search, _journal, _newRows, _adds, _queries, _rows, _sum, _exponents, _gradients, _readGradients,
        })
        {
            held.Dispose();
        }
    }

    private void Hold(int* slots, int count)
    {
        var held = _memory.Held;
        for (var i = 0; i < count; i++)
        {
            held = Math.Max(held, slots[i] + 1);
        }

        if (held > _memory.Held)
        {
            _memory.Hold(held);
            _order.Hold(held);
        }
    }

    private void CopyReadWeighting(int step, int head, float* weighting)
    {
        Floats.Clear(weighting, _slots);
        for (var i = 0; i < _nearest; i++)
        {
            weighting[_journal.Read(step)[(head * _nearest) + i]] = _journal.Weights(step)[(head * _nearest) + i];
        }
    }

    /// <summary>A head's vector with zeros after it, in whole rows of lanes.</summary>
    private float* Padded(float* vector, NativeBuffer buffer, int head)
    {
        var target = buffer.Pointer + (head * _stride);
        Floats.Copy(vector, target, _width);
        return target;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddScaled(float* sum, float scale, float* term)
    {
        var factor = T.All(scale);
        for (var m = 0; m < _stride; m += T.Count)
        {
            T.MultiplyAdd(factor, T.Load(term + m), T.Load(sum + m)).Store(sum + m);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float Dot(float* left, float* right)
    {
        var sum = T.All(0f);
        for (var m = 0; m < _stride; m += T.Count)
        {
            sum = T.MultiplyAdd(T.Load(left + m), T.Load(right + m), sum);
        }

        return T.Sum(sum);
    }
}
