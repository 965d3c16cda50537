using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// What a step does at one level of a <see cref="TimeTree"/>: multi-head attention (Vaswani et al. 2017) with pre-norm over the
/// children of its block that it may see, and a slot of nothing, then a <see cref="FeedForwardBlock"/>.
/// <code>
/// c_j  = norm(child_j) + P_j (+ R if it is of the block before)      P, R trained; j: the child's place in its block
/// q    = W_query (norm(h) + P_i) + b                                  i: the place of the child that the step lies in
/// k, v = [nothing; W_key c_j], [nothing; W_value c_j]                 each its trained nothing
/// h'   = h + W_output attention(q, k, v) + b
/// y    = h' + W2 gelu(W1 norm(h') + b1) + b2
/// </code>
/// Seen are the children that end with the step or, above level 1, before the child that the step lies in; and the last
/// <c>overlap</c> ones of the block before. A step that may see no child attends to the slot of nothing alone.
/// </summary>
public sealed class LevelReading : nn.Module
{
    /// <summary>Positions are drawn from minus to plus this, somewhat less than the normalised vectors that they are added to.</summary>
    internal const double PositionRange = 0.3;

    private static readonly Scalar MinusInfinity = double.NegativeInfinity.ToScalar();

    private readonly TimeTree _tree;
    private readonly int _window;
    private readonly int _width;
    private readonly int _heads;
    private readonly Scalar _scale;
    private readonly LayerNormalisation _queryNorm;
    private readonly LayerNormalisation _childNorm;
    private readonly Projection _query;
    private readonly Projection _key;
    private readonly Projection _value;
    private readonly Projection _output;
    private readonly FeedForwardBlock _feedForward;

    /// <summary>Makes the module.</summary>
    /// <param name="tree">The tree; a block has w children, its window.</param>
    /// <param name="overlap">How many children of the block before are seen; 0 to w.</param>
    /// <param name="width">Width of h and of a child.</param>
    /// <param name="heads">The number of attention heads; a divisor of the width.</param>
    /// <param name="hidden">Width of the hidden layer of the feed-forward block.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public LevelReading(TimeTree tree, int overlap, int width, int heads, int hidden, RandomStream random)
        : base(nameof(LevelReading))
    {
        _tree = tree;
        _window = tree.Window;
        Overlap = overlap;
        _width = width;
        _heads = heads;
        _scale = (1 / Math.Sqrt((double)width / heads)).ToScalar();
        _queryNorm = new LayerNormalisation(width);
        _childNorm = new LayerNormalisation(width);
        _query = new Projection(width, width, random);
        // Biases of keys and values would say nothing that the slot of nothing and the output's bias do not.
        _key = new Projection(width, width, random, bias: false);
        _value = new Projection(width, width, random, bias: false);
        _output = new Projection(width, width, random);
        _feedForward = new FeedForwardBlock(width, hidden, random);
        register_module("query_norm", _queryNorm);
        register_module("child_norm", _childNorm);
        register_module("query", _query);
        register_module("key", _key);
        register_module("value", _value);
        register_module("output", _output);
        register_module("feed_forward", _feedForward);
        // P, and in a last row R: one parameter, so that R has a gradient, if only 0, before there is a block before.
        register_parameter("positions", Initialisation.Uniform(random, PositionRange, _window + (overlap > 0 ? 1 : 0), width));
        register_parameter("nothing_key", Initialisation.Uniform(random, 0.05, width));
        register_parameter("nothing_value", Initialisation.Constant(0, width));
    }

    /// <summary>How many children of the block before are seen.</summary>
    public int Overlap { get; }

    /// <summary>Multiply-adds for each child: its key and value.</summary>
    public long MultiplyAddsPerChild => _key.MultiplyAdds + _value.MultiplyAdds;

    /// <summary>Multiply-adds for each block: R's key and value, where there is an overlap.</summary>
    public long MultiplyAddsPerBlock => Overlap == 0 ? 0 : MultiplyAddsPerChild;

    /// <summary>Multiply-adds for each step beside those for what it sees.</summary>
    public long MultiplyAddsPerStep => _query.MultiplyAdds + _output.MultiplyAdds + _feedForward.MultiplyAdds;

    /// <summary>Multiply-adds for each child, or slot of nothing, that a step sees: its score and its share of the sum.</summary>
    public long MultiplyAddsPerSeen => 2L * _width;

    /// <summary>Whole sequences at once.</summary>
    /// <param name="h">What each step has so far, <c>[batch, time, width]</c>.</param>
    /// <param name="children">
    /// The children of all blocks of the level in order, <c>[batch, children, width]</c>, as many as the sequence completes.
    /// </param>
    /// <param name="level">The level, 1 or more.</param>
    /// <returns><c>[batch, time, width]</c>; what h is for steps in which the level does not take part.</returns>
    public Tensor Forward(Tensor h, Tensor children, int level)
    {
        var (batch, time, size, span) = (h.shape[0], h.shape[1], _tree.Span(level - 1), _tree.Span(level));
        var first = Math.Min(_tree.FirstStep(level), time);
        var readers = h.narrow(1, first, time - first);
        var places = ForSteps(PositionsOf(first / size, ChildrenOf(time - first, size)), size, time - first);
        var queries = _query.forward(_queryNorm.forward(readers) + places);
        var (keys, values) = Project(children, 0);

        // Steps of blocks that see alike go together: the first, which has none before it, the whole ones after it, and the rest.
        var whole = time / span;
        var parts = new List<Tensor>
        {
            Part(new Rows(first, Math.Min(time, span) - first, Block: 0, Blocks: 1)),
        };
        if (whole > 1)
        {
            parts.Add(Part(new Rows(span, span, Block: 1, Blocks: whole - 1)));
        }

        if (whole > 0 && time % span > 0)
        {
            parts.Add(Part(new Rows(whole * span, time % span, Block: whole, Blocks: 1)));
        }

        var read = Finish(readers, cat(parts, 1));
        return first == 0 ? read : cat([h.narrow(1, 0, first), read], 1);

        Tensor Part(Rows rows)
        {
            var own = rows.Blocks > 1 ? _window : Math.Min(_window, children.shape[1] - (rows.Block * _window));
            var asking = queries.narrow(1, rows.Start - first, rows.Blocks * rows.Each);
            var unseen = Unseen(
                Place(level, rows.Start),
                ChildrenOf(rows.Each, size),
                own,
                seesOwnChild: level == 1,
                rows.Block == 0 ? 0 : Overlap,
                h.device);
            return Attend(
                asking.reshape(batch, rows.Blocks, rows.Each, _width),
                InBlocks(keys, rows, own, _key),
                InBlocks(values, rows, own, _value),
                ForSteps(unseen, size, rows.Each)).reshape(asking.shape);
        }
    }

    /// <summary>An empty buffer for <see cref="Step"/>.</summary>
    /// <param name="batch">The number of sequences.</param>
    /// <param name="keepsChildren">Whether the children are kept for a summary of their block.</param>
    public LevelBuffer Start(long batch, bool keepsChildren)
    {
        Tensor Empty(int places) => zeros(batch, places, _width, _query.Weight.dtype, _query.Weight.device);
        return new LevelBuffer(
            Empty(Overlap + _window), Empty(Overlap + _window), keepsChildren ? Empty(_window) : null);
    }

    /// <summary>Puts a child in its place.</summary>
    /// <param name="buffer">The buffer so far.</param>
    /// <param name="child">The child, <c>[batch, width]</c>.</param>
    /// <param name="level">The level, 1 or more.</param>
    /// <param name="t">The child's last step.</param>
    public LevelBuffer Put(LevelBuffer buffer, Tensor child, int level, long t)
    {
        var (one, place) = (child.unsqueeze(1), Place(level, t));
        var (key, value) = Project(one, place);
        return new LevelBuffer(
            With(buffer.Keys, key, Overlap + place),
            With(buffer.Values, value, Overlap + place),
            buffer.Children is { } children ? With(children, one, place) : null);
    }

    /// <summary>Makes the block that is complete the block before.</summary>
    public LevelBuffer Turn(LevelBuffer buffer) => Overlap == 0 ? buffer : buffer with
    {
        Keys = With(buffer.Keys, Before(buffer.Keys.narrow(1, _window, Overlap), _key), 0),
        Values = With(buffer.Values, Before(buffer.Values.narrow(1, _window, Overlap), _value), 0),
    };

    /// <summary>One step.</summary>
    /// <param name="h">What the step has so far, <c>[batch, width]</c>.</param>
    /// <param name="buffer">The children of its block, and of the one before.</param>
    /// <param name="level">The level, 1 or more.</param>
    /// <param name="t">The step.</param>
    /// <returns><c>[batch, width]</c>.</returns>
    public Tensor Step(Tensor h, LevelBuffer buffer, int level, long t)
    {
        var place = Place(level, t);
        var own = level == 1 ? place + 1 : place;
        var overlap = t >= _tree.Span(level) ? Overlap : 0;
        Tensor Visible(Tensor all) => all.narrow(1, Overlap - overlap, overlap + own).unsqueeze(1);
        var query = _query.forward(_queryNorm.forward(h) + Positions[place]);
        var read = Attend(query.reshape(-1, 1, 1, _width), Visible(buffer.Keys), Visible(buffer.Values), unseen: null);
        return Finish(h, read.reshape(-1, _width));
    }

    private Tensor Positions => get_parameter("positions")!;

    /// <summary>The place, in its block, of the child that a step lies in.</summary>
    private long Place(int level, long t) => t / _tree.Span(level - 1) % _window;

    /// <summary>How many children some steps lie in, from the first step of one on.</summary>
    private static long ChildrenOf(long steps, long size) => steps == 0 ? 0 : ((steps - 1) / size) + 1;

    /// <summary>The positions of as many children in order, the first of which has the given place: <c>[count, width]</c>.</summary>
    private Tensor PositionsOf(long place, long count)
    {
        var blocks = (place + count + _window - 1) / _window;
        var positions = Positions.narrow(0, 0, _window);
        return (blocks <= 1 ? positions : positions.repeat(blocks, 1)).narrow(0, place, count);
    }

    /// <summary>From a row for each child of <paramref name="size"/> steps to one for each step: <c>[steps, ...]</c>.</summary>
    private static Tensor ForSteps(Tensor perChild, long size, long steps) =>
        size == 1 ? perChild : perChild.repeat_interleave(Math.Max(1, Math.Min(size, steps)), 0).narrow(0, 0, steps);

    /// <summary>Keys and values of children in order, the first of which has the given place.</summary>
    private (Tensor Keys, Tensor Values) Project(Tensor children, long place)
    {
        var seen = _childNorm.forward(children) + PositionsOf(place, children.shape[1]);
        return (_key.forward(seen), _value.forward(seen));
    }

    /// <summary>The keys or values of children as those of children of the block before.</summary>
    private Tensor Before(Tensor projected, Projection projection) => projected + projection.forward(Positions[_window]);

    /// <summary>The keys or values that the steps of each block may see, <c>[batch, blocks, overlap + own, width]</c>.</summary>
    private Tensor InBlocks(Tensor projected, Rows rows, long own, Projection projection)
    {
        Tensor Children(long block, long each) => projected
            .narrow(1, block * _window, rows.Blocks * each)
            .reshape(projected.shape[0], rows.Blocks, each, _width);
        var ownChildren = Children(rows.Block, own);
        return rows.Block == 0 || Overlap == 0
            ? ownChildren
            : cat([Before(Children(rows.Block - 1, _window).narrow(2, _window - Overlap, Overlap), projection), ownChildren], 2);
    }

    /// <summary>
    /// Which of the slot of nothing, the children of the block before and those of its own a step must not see, for the steps
    /// that lie in each child: <c>[children, 1 + overlap + own]</c>.
    /// </summary>
    private static Tensor Unseen(long firstPlace, long children, long own, bool seesOwnChild, int overlap, Device device) =>
        ones([children, 1 + overlap + own], ScalarType.Bool, device).triu(1 + overlap + firstPlace + (seesOwnChild ? 1 : 0));

    /// <summary>Attention of <c>[batch, blocks, rows, width]</c> over nothing's slot and <c>[batch, blocks, children, width]</c>.</summary>
    private Tensor Attend(Tensor queries, Tensor keys, Tensor values, Tensor? unseen)
    {
        var (batch, blocks) = (queries.shape[0], queries.shape[1]);
        Tensor Heads(Tensor x) => x.reshape(batch, blocks, x.shape[2], _heads, _width / _heads).transpose(2, 3);
        Tensor AfterNothing(Tensor x, string nothing) =>
            Heads(cat([get_parameter(nothing)!.expand(batch, blocks, 1, _width), x], 2));

        var scores = matmul(Heads(queries.mul(_scale)), AfterNothing(keys, "nothing_key").transpose(3, 4));
        var weighting = nn.functional.softmax(
            unseen is null ? scores : scores.masked_fill(unseen, MinusInfinity), dim: -1);
        return matmul(weighting, AfterNothing(values, "nothing_value")).transpose(2, 3).reshape(queries.shape);
    }

    private Tensor Finish(Tensor h, Tensor read) => _feedForward.forward(h + _output.forward(read));

    private static Tensor With(Tensor buffer, Tensor part, long start)
    {
        var end = start + part.shape[1];
        return cat([buffer.narrow(1, 0, start), part, buffer.narrow(1, end, buffer.shape[1] - end)], 1);
    }

    /// <summary>As many steps of each of some blocks.</summary>
    private readonly record struct Rows(long Start, long Each, long Block, long Blocks);
}
