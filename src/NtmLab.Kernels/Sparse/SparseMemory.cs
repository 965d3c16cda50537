using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// The memory of one sequence as far as it was touched, and its slot norms: blocks of lanes,
/// <c>[slots / lanes][width][lanes]</c>, so that a pass over the slots streams through it, and a slot lies within one block.
/// <para>
/// A fresh sequence starts with slots that are all alike. Its untouched slots are the highest-numbered ones, as whoever looks for
/// one of many equal slots takes the first: only the slots before them are held, and so many blank ones after these as one search
/// can find. What a sequence costs then depends on the slots that it touches, not on how many there are.
/// </para>
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class SparseMemory<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private const float NormEpsilon = ContentAddressing<T>.CosineEpsilon;

    private readonly int _slots;
    private readonly int _width;
    private readonly int _spare;
    private readonly float _blank;
    private readonly NativeBuffer _blocks = new(0);
    private readonly NativeBuffer _norms = new(0);

    /// <summary>Makes a memory that holds nothing yet.</summary>
    public SparseMemory(SparseShape shape)
    {
        _slots = shape.Slots;
        _width = shape.Width;
        _spare = shape.Nearest;
        _blank = shape.Blank ?? 0f;
    }

    /// <summary>Slots held: all before this one, each of which may have been touched.</summary>
    public int Held { get; private set; }

    /// <summary>Slots that a search must look at: those held, and the first blank ones.</summary>
    public int Candidates => Math.Min(_slots, Held + _spare);

    /// <summary>Bytes held.</summary>
    public long Bytes => _blocks.Bytes + _norms.Bytes;

    /// <summary>The blocks, <c>[slots / lanes][width][lanes]</c>; those of all candidates are there.</summary>
    public float* Blocks => _blocks.Pointer;

    /// <summary>The slot norms, <c>[slots]</c>, as far as the blocks go: <c>sqrt(sum_m M(m)^2 + epsilon^2)</c>.</summary>
    public float* Norms => _norms.Pointer;

    /// <summary>The norm of a vector, summed in its order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Norm(float* vector, int width)
    {
        var sum = NormEpsilon * NormEpsilon;
        for (var m = 0; m < width; m++)
        {
            sum = MathF.FusedMultiplyAdd(vector[m], vector[m], sum);
        }

        return MathF.Sqrt(sum);
    }

    /// <summary>All slots are blank.</summary>
    public void Start()
    {
        FillBlank(0, Held);
        Held = 0;
        MakeRoom(Candidates);
    }

    /// <summary>Every slot has contents of its own.</summary>
    /// <param name="memory">Them, <c>[slots, width]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Start(float* memory)
    {
        MakeRoom(_slots);
        Held = _slots;
        for (var first = 0; first < _slots; first += T.Count)
        {
            var block = Cell(first);
            var count = Math.Min(T.Count, _slots - first);
            for (var i = 0; i < count; i++)
            {
                var row = memory + ((long)(first + i) * _width);
                for (var m = 0; m < _width; m++)
                {
                    block[(m * T.Count) + i] = row[m];
                }
            }

            // As Norm sums, to the last bit, for all lanes at once.
            var sum = T.All(NormEpsilon * NormEpsilon);
            for (var m = 0; m < _width; m++)
            {
                var x = T.Load(block + (m * T.Count));
                sum = T.MultiplyAdd(x, x, sum);
            }

            T.Sqrt(sum).Store(Norms + first);
        }
    }

    /// <summary>Holds all slots before this one.</summary>
    public void Hold(int held)
    {
        Held = Math.Max(Held, held);
        MakeRoom(Candidates);
    }

    /// <summary>Copies the contents of a slot out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Get(int slot, float* row)
    {
        var source = Cell(slot);
        for (var m = 0; m < _width; m++)
        {
            row[m] = source[m * T.Count];
        }
    }

    /// <summary>Gives a slot new contents.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="row">Contents, <c>[width]</c>.</param>
    /// <param name="norm">Their norm.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int slot, float* row, float norm)
    {
        var target = Cell(slot);
        for (var m = 0; m < _width; m++)
        {
            target[m * T.Count] = row[m];
        }

        Norms[slot] = norm;
    }

    /// <summary>Copies all slots out.</summary>
    /// <param name="memory">Gets them, <c>[slots, width]</c>.</param>
    public void CopyTo(float* memory)
    {
        for (var slot = 0; slot < Held; slot++)
        {
            Get(slot, memory + ((long)slot * _width));
        }

        for (var slot = Held; slot < _slots; slot++)
        {
            new Span<float>(memory + ((long)slot * _width), _width).Fill(_blank);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.Dispose();
        _norms.Dispose();
    }

    private float* Cell(int slot) => Blocks + ((long)(slot / T.Count) * _width * T.Count) + (slot % T.Count);

    /// <summary>Makes room for whole runs of four blocks, which one look of a search takes in.</summary>
    private void MakeRoom(int slots)
    {
        if (slots <= _norms.Length)
        {
            return;
        }

        var before = (int)_norms.Length;
        var run = 4 * T.Count;
        _norms.Grow((Math.Max(slots, Math.Min(2L * before, _slots)) + run - 1) / run * run);
        _blocks.Grow(_norms.Length * _width);
        FillBlank(before, (int)_norms.Length);
    }

    /// <summary>Makes the blocks of some slots blank.</summary>
    private void FillBlank(int from, int to)
    {
        var (first, last) = (from / T.Count, (to + T.Count - 1) / T.Count);
        if (first >= last)
        {
            return;
        }

        var size = _width * T.Count;
        for (var block = first; block < last; block++)
        {
            new Span<float>(Blocks + ((long)block * size), size).Fill(_blank);
        }

        var row = stackalloc float[_width];
        new Span<float>(row, _width).Fill(_blank);
        new Span<float>(Norms + (first * T.Count), (last - first) * T.Count).Fill(Norm(row, _width));
    }
}
