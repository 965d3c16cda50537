namespace NtmLab.Kernels;

/// <summary>
/// What the steps of one sequence did, for its backward pass, which goes through time in reverse and puts back what each step
/// changed, so that no memory is ever copied. Kept of each step:
/// <list type="bullet">
/// <item>the slots that each head read, its weights and similarities of them, <c>[heads, K]</c>;</item>
/// <item>the least recently used slot of each head, <c>[heads]</c>;</item>
/// <item>the slots that were written, each with its contents and norm before, <c>[written, width + 1]</c>.</item>
/// </list>
/// What was read before the first step stands apart: a state from outside may have read any number of slots. Without a backward
/// pass only the last two steps' are kept.
/// </summary>
internal sealed unsafe class SparseJournal : IDisposable
{
    private readonly int _heads;
    private readonly int _nearest;
    private readonly int _width;
    private readonly bool _keep;
    private readonly NativeBuffer _read;
    private readonly NativeBuffer _weights;
    private readonly NativeBuffer _similarities;
    private readonly NativeBuffer _leastUsed;
    private readonly NativeBuffer _old;
    private readonly NativeBuffer _startSlots = new(0);
    private readonly NativeBuffer _startWeights = new(0);
    private readonly int[] _startEnds;
    private readonly long[] _ends;
    private int[] _written;

    /// <summary>Makes room.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="plan">How time is cut.</param>
    public SparseJournal(SparseShape shape, SegmentPlan plan)
    {
        _heads = shape.ReadHeads;
        _nearest = shape.Nearest;
        _width = shape.Width;
        _keep = plan.Keep;
        var steps = plan.Keep ? plan.Capacity : 2;
        _read = new NativeBuffer((long)steps * _heads * _nearest);
        _weights = new NativeBuffer((long)steps * _heads * _nearest);
        _similarities = new NativeBuffer((long)steps * _heads * _nearest);
        _leastUsed = new NativeBuffer((long)steps * _heads);
        var most = (long)(plan.Keep ? steps : 1) * _heads * (_nearest + 1);
        _old = new NativeBuffer(most * (_width + 1));
        _written = new int[most];
        _ends = new long[steps];
        _startEnds = new int[_heads];
    }

    /// <summary>Bytes held.</summary>
    public long Bytes =>
        _read.Bytes + _weights.Bytes + _similarities.Bytes + _leastUsed.Bytes + _old.Bytes + _startSlots.Bytes
        + _startWeights.Bytes + (_written.Length * (long)sizeof(int)) + (_ends.Length * (long)sizeof(long));

    /// <summary>Floats that one step of one sequence keeps.</summary>
    public static long FloatsPerStep(SparseShape shape) =>
        (long)shape.ReadHeads * ((3 * shape.Nearest) + 1 + ((shape.Nearest + 1) * (shape.Width + 2)));

    /// <summary>Begins a sequence that has read nothing.</summary>
    public void Start() => Array.Clear(_startEnds);

    /// <summary>Begins a sequence that has read.</summary>
    /// <param name="weightings">Its read weightings, <c>[heads, slots]</c>.</param>
    /// <param name="slots">The number of slots.</param>
    public void Start(float* weightings, int slots)
    {
        Start();
        var count = 0;
        for (var head = 0; head < _heads; head++)
        {
            for (var slot = 0; slot < slots; slot++)
            {
                var weight = weightings[((long)head * slots) + slot];
                if (weight != 0)
                {
                    _startSlots.Grow(count + 1);
                    _startWeights.Grow(count + 1);
                    ((int*)_startSlots.Pointer)[count] = slot;
                    _startWeights.Pointer[count++] = weight;
                }
            }

            _startEnds[head] = count;
        }
    }

    /// <summary>What a head had read before a step: the slots, and their weights.</summary>
    public SlotWeights LastRead(int step, int head)
    {
        if (step > 0)
        {
            var place = head * _nearest;
            return new SlotWeights(_nearest, Read(step - 1) + place, Weights(step - 1) + place);
        }

        var first = head == 0 ? 0 : _startEnds[head - 1];
        return new SlotWeights(_startEnds[head] - first, (int*)_startSlots.Pointer + first, _startWeights.Pointer + first);
    }

    /// <summary>The slots that heads read in a step, <c>[heads, K]</c>.</summary>
    public int* Read(int step) => (int*)_read.Pointer + (Place(step) * _heads * _nearest);

    /// <summary>The weights with which they read them, <c>[heads, K]</c>.</summary>
    public float* Weights(int step) => _weights.Pointer + (Place(step) * _heads * _nearest);

    /// <summary>The similarities that these come from, <c>[heads, K]</c>.</summary>
    public float* Similarities(int step) => _similarities.Pointer + (Place(step) * _heads * _nearest);

    /// <summary>The least recently used slot of each head in a step.</summary>
    public int* LeastUsed(int step) => (int*)_leastUsed.Pointer + (Place(step) * _heads);

    /// <summary>Makes room for what a step writes, after the step before it.</summary>
    /// <param name="step">The step.</param>
    /// <param name="written">How many slots.</param>
    public void BeginWrite(int step, int written)
    {
        var end = First(step) + written;
        _ends[Place(step)] = end;
        _old.Grow(end * (_width + 1));
        if (end > _written.Length)
        {
            Array.Resize(ref _written, (int)Math.Max(end, 2L * _written.Length));
        }
    }

    /// <summary>How many slots a step wrote.</summary>
    public int Written(int step) => (int)(_ends[Place(step)] - First(step));

    /// <summary>One of the slots that a step wrote.</summary>
    public ref int WrittenSlot(int step, int index) => ref _written[First(step) + index];

    /// <summary>Its contents before, and after them its norm.</summary>
    public float* Old(int step, int index) => _old.Pointer + ((First(step) + index) * (_width + 1));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in new[] { _read, _weights, _similarities, _leastUsed, _old, _startSlots, _startWeights })
        {
            buffer.Dispose();
        }
    }

    private long First(int step) => _keep && step > 0 ? _ends[step - 1] : 0;

    private int Place(int step) => _keep ? step : step & 1;
}
