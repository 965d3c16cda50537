using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// What the steps of one call see when each sees itself and the context - 1 steps before it. Sequences from the start that are
/// no longer than the context are plain causal attention. Longer ones are cut into blocks of context queries, each against the
/// 2 context - 1 keys that any of them sees, so that memory grows with time x context, not with the square of time:
/// <code>
/// block 0      queries 0 .. c-1     keys of the cache, then 0 .. c-1
/// block b      queries bc .. bc+c-1, keys bc-c+1 .. bc+c-1           all b > 0 in one call
/// </code>
/// One window serves all layers of a call.
/// </summary>
public sealed class AttentionWindow
{
    private readonly int _context;
    private readonly long _time;
    private readonly Tensor? _visibleFirst;
    private readonly Tensor? _visibleLater;

    /// <summary>The window of sequences from their first step on.</summary>
    /// <param name="context">How many steps a step sees, itself among them; 1 or more.</param>
    /// <param name="time">The number of steps.</param>
    /// <param name="device">Where.</param>
    public AttentionWindow(int context, long time, Device device)
        : this(context, time, null, device)
    {
    }

    /// <summary>The window of the next steps of sequences that have had some.</summary>
    /// <param name="context">How many steps a step sees, itself among them; 1 or more.</param>
    /// <param name="time">The number of steps.</param>
    /// <param name="position">How many steps each sequence has had, <c>[batch, 1]</c>, int64.</param>
    public AttentionWindow(int context, long time, Tensor position)
        : this(context, time, position, position.device)
    {
    }

    private AttentionWindow(int context, long time, Tensor? position, Device device)
    {
        _context = context;
        _time = time;
        var one = ones(1, time, dtype: ScalarType.Int64, device: device);
        var counts = one.cumsum(1);
        if (position is not null)
        {
            counts = counts + position;
            var size = Math.Min(time, context);
            var age = ones(context - 1, dtype: ScalarType.Int64, device: device).cumsum(0).flip(0);
            var filled = age.le(position);
            var seen = cat([filled, ones(filled.shape[0], size, dtype: ScalarType.Bool, device: device)], 1);
            _visibleFirst = seen[.., TensorIndex.None, TensorIndex.None] & Visible(size, context - 1 + size, context, device);
        }

        Steps = counts - one;
        Position = counts.narrow(1, time - 1, 1).clone();
        _visibleLater = time > context ? Visible(context, (2 * context) - 1, context, device) : null;
    }

    /// <summary>The position of each step, the first step of a sequence being 0, <c>[batch or 1, time]</c>, int64.</summary>
    public Tensor Steps { get; }

    /// <summary>How many steps each sequence has had after the call, <c>[batch or 1, 1]</c>, int64.</summary>
    public Tensor Position { get; }

    /// <summary>
    /// Which keys a query sees, when the last query stands at the last key: those at a distance from 0 to context - 1.
    /// </summary>
    /// <param name="queries">The number of queries.</param>
    /// <param name="keys">The number of keys.</param>
    /// <param name="context">How many steps a step sees, itself among them.</param>
    /// <param name="device">Where.</param>
    /// <returns>A boolean, <c>[queries, keys]</c>.</returns>
    public static Tensor Visible(long queries, long keys, long context, Device device)
    {
        var own = keys - queries;
        return ones(queries, keys, dtype: ScalarType.Bool, device: device).tril(own).triu(own - context + 1);
    }

    /// <summary>How many steps the first steps of a sequence see, all together: 1, 2, 3 and so on, up to the context each.</summary>
    /// <param name="context">How many steps a step sees at most, itself among them.</param>
    /// <param name="steps">Steps; 0 or more.</param>
    public static long Seen(long context, long steps)
    {
        var rising = Math.Min(context, steps);
        return checked((rising * (rising + 1) / 2) + ((steps - rising) * context));
    }

    /// <summary>Reads from sequences from their first step on.</summary>
    /// <param name="query">Queries, <c>[batch, heads, time, width]</c>.</param>
    /// <param name="key">Keys, <c>[batch, heads, time, width]</c>.</param>
    /// <param name="value">Values, <c>[batch, heads, time, value width]</c>.</param>
    /// <param name="read">How.</param>
    /// <returns>What was read, <c>[batch, heads, time, value width]</c>.</returns>
    public Tensor Attend(Tensor query, Tensor key, Tensor value, AttentionRead read) =>
        WithLater(read(First(query), First(key), First(value), null), query, key, value, read);

    /// <summary>Reads from the next steps of sequences that have had some.</summary>
    /// <param name="query">Queries, <c>[batch, heads, time, width]</c>.</param>
    /// <param name="key">Keys, <c>[batch, heads, time, width]</c>.</param>
    /// <param name="value">Values, <c>[batch, heads, time, value width]</c>.</param>
    /// <param name="cache">The keys and values before.</param>
    /// <param name="read">How.</param>
    /// <returns>What was read, <c>[batch, heads, time, value width]</c>, and the next cache.</returns>
    public (Tensor Read, AttentionCache Cache) Attend(
        Tensor query, Tensor key, Tensor value, AttentionCache cache, AttentionRead read)
    {
        var keys = cat([cache.Keys, First(key)], 2);
        var values = cat([cache.Values, First(value)], 2);
        var first = read(First(query), keys, values, _visibleFirst);
        var next = _time > _context
            ? new AttentionCache(Last(key).clone(), Last(value).clone())
            : new AttentionCache(Last(keys), Last(values));
        return (WithLater(first, query, key, value, read), next);
    }

    private Tensor First(Tensor steps) => steps.narrow(2, 0, Math.Min(_time, _context));

    private Tensor Last(Tensor steps) => steps.narrow(2, steps.shape[2] - _context + 1, _context - 1);

    private Tensor WithLater(Tensor first, Tensor query, Tensor key, Tensor value, AttentionRead read)
    {
        if (_visibleLater is null)
        {
            return first;
        }

        var later = read(Blocks(query, _context), Blocks(key, (2 * _context) - 1), Blocks(value, (2 * _context) - 1), _visibleLater);
        var (batch, heads) = (query.shape[0], query.shape[1]);
        return cat([first, later.reshape(batch, heads, -1, later.shape[3]).narrow(2, 0, _time - _context)], 2);
    }

    /// <summary>
    /// From <c>[batch, heads, time, width]</c> to <c>[batch, heads blocks, size, width]</c>: every block but the first, with the
    /// steps before it that fill it up to its size, the last one filled up with zeros that no query before them sees.
    /// </summary>
    private Tensor Blocks(Tensor steps, int size)
    {
        var start = (2 * _context) - size;
        var missing = _context - 1 - ((_time - 1) % _context);
        var padded = nn.functional.pad(steps.narrow(2, start, _time - start), [0, 0, 0, missing]);
        return padded.unfold(2, size, _context).transpose(3, 4).flatten(1, 2);
    }
}
