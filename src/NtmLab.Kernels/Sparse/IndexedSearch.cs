using Cloud.Unum.USearch;

namespace NtmLab.Kernels;

/// <summary>
/// Looks slots up in an approximate index of their directions, once a memory holds many: a graph that is searched in about the
/// logarithm of their number (<see cref="SlotIndexLibrary"/>). Up to then, and as long as an index has not paid, it looks at every
/// slot as <see cref="SlotScan{T}"/> does. What the index gives is ranked by exact similarity, together with the blank slots.
/// <para>
/// To take a slot in costs as much as a scan of some 100 000 slots, however many there are. So an index is made when as many scans
/// were made of a memory as it would have cost: whatever comes, at most twice the time is spent that the better of both would
/// have taken. Short sequences are always searched exactly.
/// </para>
/// The same calls find the same slots.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class IndexedSearch<T> : ISlotSearch
    where T : unmanaged, ILanes<T>
{
    /// <summary>Scans that cost about as much as making an index.</summary>
    public const int ScansBeforeIndex = 100_000;

    private const float CosineEpsilon = ContentAddressing<T>.CosineEpsilon;

    /// <summary>A row that has turned no further from its indexed direction, by its cosine, stays where it is in the index.</summary>
    private const float SameDirection = 0.9995f;

    /// <summary>The index is asked for more slots than are wanted, as directions that have turned a little are ranked anew.</summary>
    private const int Spare = 4;

    private const int Connectivity = 16;
    private const int ExpansionWhenAdded = 64;
    private const int ExpansionWhenSearched = 96;

    private readonly SparseMemory<T> _memory;
    private readonly SlotScan<T> _scan;
    private readonly int _width;
    private readonly int _stride;
    private readonly int _heads;
    private readonly int _nearest;
    private readonly int _above;
    private readonly int _scansBefore;
    private readonly float[] _vector;
    private readonly BestSlots _best;
    private readonly NativeBuffer _row;

    /// <summary>Directions as they are in the index, <c>[slots, width]</c>; 0 where a slot is not in it.</summary>
    private readonly NativeBuffer _directions = new(0);

    private USearchIndex? _index;
    private int _scans;

    /// <summary>Makes a search over a memory.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="memory">The memory.</param>
    /// <param name="scansBefore">Scans of a memory with many slots before an index is made.</param>
    public IndexedSearch(SparseShape shape, SparseMemory<T> memory, int scansBefore = ScansBeforeIndex)
    {
        _memory = memory;
        _scan = new SlotScan<T>(shape, memory);
        _width = shape.Width;
        _stride = Rows.Padded<T>(shape.Width);
        _heads = shape.ReadHeads;
        _nearest = shape.Nearest;
        _above = shape.IndexAbove;
        _scansBefore = scansBefore;
        _vector = new float[_width];
        _best = new BestSlots(1, _nearest);
        _row = new NativeBuffer(_stride);
    }

    /// <summary>
    /// The directions, and what the index holds: it does not tell, but each slot has a vector and some twice
    /// <see cref="Connectivity"/> links of five bytes.
    /// </summary>
    public long Bytes => _index is null
        ? _directions.Bytes
        : _directions.Bytes + ((long)_index.Size() * ((_width * sizeof(float)) + (2 * Connectivity * 5)));

    /// <summary>Whether an index has been made.</summary>
    public bool IsIndexed => _index is not null;

    /// <inheritdoc/>
    public void Start()
    {
        _index?.Dispose();
        _index = null;
        _scans = 0;
    }

    /// <inheritdoc/>
    public void Put(int slot, float* row)
    {
        if (_index is not null)
        {
            Index(slot, row);
        }
    }

    /// <inheritdoc/>
    public void Search(float* queries, int* found)
    {
        if (_index is null && _memory.Held > _above && _scans >= _scansBefore && SlotIndexLibrary.Fault is null)
        {
            Make();
        }

        if (_index is null)
        {
            _scans += _memory.Held > _above ? _heads : 0;
            _scan.Search(queries, found);
            return;
        }

        for (var head = 0; head < _heads; head++)
        {
            if (!Find(queries + (head * _stride), found + (head * _nearest)))
            {
                _scan.Search(queries, found);
                return;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _index?.Dispose();
        _index = null;
        _scan.Dispose();
        _directions.Dispose();
        _row.Dispose();
    }

    /// <summary>Finds the slots of one query.</summary>
    /// <returns>Whether there were enough.</returns>
    private bool Find(float* query, int* found)
    {
        new ReadOnlySpan<float>(query, _width).CopyTo(_vector);
        var norm = SparseMemory<T>.Norm(query, _width);
        _best.Clear(0);
        var count = _index!.Search(_vector, _nearest + Spare, out ulong[] slots, out float[] _);
        for (var i = 0; i < count; i++)
        {
            Offer((int)slots[i], query, norm, found);
        }

        for (var slot = _memory.Held; slot < _memory.Candidates; slot++)
        {
            Offer(slot, query, norm, found);
        }

        return _best.IsFull(0);
    }

    /// <summary>Takes a slot if it is better, with the similarity that a scan finds, to the last bit.</summary>
    private void Offer(int slot, float* query, float norm, int* found)
    {
        _memory.Get(slot, _row.Pointer);
        var f = 0f;
        for (var m = 0; m < _width; m++)
        {
            f = MathF.FusedMultiplyAdd(query[m], _row.Pointer[m], f);
        }

        var similarity = f / MathF.FusedMultiplyAdd(norm, _memory.Norms[slot], CosineEpsilon);
        if (similarity > _best.Worst(0))
        {
            _best.Take(0, slot, similarity, found);
        }
    }

    /// <summary>Makes an index of all that is held.</summary>
    private void Make()
    {
        _index = new USearchIndex(
            MetricKind.Cos, ScalarKind.Float32, (ulong)_width, Connectivity, ExpansionWhenAdded, ExpansionWhenSearched);
        _directions.Grow((long)_memory.Held * _width);
        _directions.Clear();
        for (var slot = 0; slot < _memory.Held; slot++)
        {
            _memory.Get(slot, _row.Pointer);
            Index(slot, _row.Pointer);
        }
    }

    /// <summary>Takes a slot's direction in, in the place of the one that it had.</summary>
    private void Index(int slot, float* row)
    {
        var size = (slot + 1L) * _width;
        if (size > _directions.Length)
        {
            _directions.Grow(size);
        }

        var direction = _directions.Pointer + ((long)slot * _width);
        float dot = 0, own = 0, indexed = 0;
        for (var m = 0; m < _width; m++)
        {
            dot += row[m] * direction[m];
            own += row[m] * row[m];
            indexed += direction[m] * direction[m];
        }

        if (indexed > 0)
        {
            if (dot >= SameDirection * MathF.Sqrt(own * indexed) && own > 0)
            {
                return;
            }

            _index!.Remove((ulong)slot);
        }

        // A row of zeros has no direction; its similarity is 0 whatever is asked for.
        new ReadOnlySpan<float>(row, _width).CopyTo(new Span<float>(direction, _width));
        if (own > 0)
        {
            new ReadOnlySpan<float>(row, _width).CopyTo(_vector);
            _index!.Add((ulong)slot, _vector);
        }
        else
        {
            new Span<float>(direction, _width).Clear();
        }
    }
}
