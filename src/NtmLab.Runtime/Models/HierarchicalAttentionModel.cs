using NtmLab.Configuration;
using NtmLab.Models.Blocks;
using NtmLab.Probes;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// Hierarchical neural attention (Culurciello 2018, "The fall of RNN / LSTM": a module attends over 100 vectors, one above it
/// over 100 such modules), causal. Time is a <see cref="TimeTree"/> of blocks of w; each complete block is summarised in one
/// vector, by attention over the steps or summaries in it. With the block numbers b_l = t / w^l rounded down, step t computes
/// <code>
/// e      = FF(W_input x + b)                                                         [batch, width]
/// s_l[k] = BlockSummary_l(e[kw .. kw + w - 1] if l = 1, else s_(l-1)[the same])       [batch, width]
/// h      = LevelReading_1(e_t over e[j]: j / w rounded down = b_1, j &lt;= t)           [batch, width]
/// h      = LevelReading_l(h over s_(l-1)[k]: k / w rounded down = b_l, k &lt; b_(l-1))  l = 2, 3, ...
/// logits = W_output norm(h) + b                                                      [batch, out]
/// </code>
/// so that it sees every earlier step once: as itself, or inside one summary. With an overlap, a step also sees the last few
/// children of the block before its own, at every level. The first <c>levels</c> levels take part in every step, if only with
/// their trained slot of nothing; those that a long sequence adds have the parameters of the highest of them, and take part
/// from step w^(l-1) on, the first at which they have something to see.
/// </summary>
public sealed class HierarchicalAttentionModel : SequenceModel
{
    private readonly HierarchicalAttentionOptions _options;
    private readonly TimeTree _tree;
    private readonly Projection _input;
    private readonly FeedForwardBlock _encoder;
    private readonly LevelReading[] _readings;
    private readonly BlockSummary[] _summaries;
    private readonly LayerNormalisation _norm;
    private readonly Projection _output;

    /// <summary>Makes the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">Sizes, validated.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public HierarchicalAttentionModel(
        int inputWidth, int outputWidth, HierarchicalAttentionOptions options, RandomStream random)
        : base("hierarchical-attention", inputWidth, outputWidth)
    {
        options.Validate();
        _options = options;
        var (window, width, hidden) = (options.Window, options.Width, options.HiddenWidth);
        _tree = new TimeTree(window, options.Levels, options.Beyond == BeyondReach.AddLevel);
        _input = new Projection(inputWidth, width, random);
        _encoder = new FeedForwardBlock(width, hidden, random);
        _readings = new LevelReading[options.Levels];
        for (var level = 1; level <= options.Levels; level++)
        {
            // The highest level of all has one block only, none before it.
            var overlap = level < _tree.Depth ? options.Overlap : 0;
            _readings[level - 1] = new LevelReading(_tree, overlap, width, options.Heads, hidden, random);
        }

        // A level that is added reads summaries made like those that the highest reads; if that reads steps, there are none yet.
        _summaries = new BlockSummary[Math.Min(_tree.Depth - 1, Math.Max(1, options.Levels - 1))];
        for (var index = 0; index < _summaries.Length; index++)
        {
            _summaries[index] = new BlockSummary(window, width, options.Heads, hidden, random);
        }

        _norm = new LayerNormalisation(width);
        _output = new Projection(width, outputWidth, random);
        register_module("input", _input);
        register_module("encoder", _encoder);
        for (var index = 0; index < _readings.Length; index++)
        {
            register_module($"reading_{index + 1}", _readings[index]);
        }

        for (var index = 0; index < _summaries.Length; index++)
        {
            register_module($"summary_{index + 1}", _summaries[index]);
        }

        register_module("norm", _norm);
        register_module("output", _output);
    }

    /// <summary>The longest sequence, in steps; with <see cref="BeyondReach.AddLevel"/> 10^9 or more.</summary>
    public long Reach => _tree.Reach;

    /// <inheritdoc/>
    public override bool ComputesAtOnce => true;

    /// <summary>
    /// The number of steps; keys, values and children of the block under way, and keys and values of the overlap, at every level that the longest
    /// sequence has: memory stays the same however long a stream grows.
    /// </summary>
    public override long StateSize
    {
        get
        {
            var places = (_tree.Depth - 1L) * _options.Window;
            for (var level = 1; level <= _tree.Depth; level++)
            {
                places += 2L * (Reading(level).Overlap + _options.Window);
            }

            return 1 + (places * _options.Width);
        }
    }

    /// <summary>
    /// Multiply-adds of one step as <see cref="Step"/> does them, with the share of a step in its blocks' summaries: the mean,
    /// to the nearest whole number, over the steps of blocks that have one before them at every level of the first
    /// <c>levels</c>. A level that a long sequence adds costs about as much as the highest of these.
    /// </summary>
    public override long MultiplyAddsPerStep
    {
        get
        {
            double sum = _input.MultiplyAdds + _encoder.MultiplyAdds + _output.MultiplyAdds;
            for (var level = 1; level <= _options.Levels; level++)
            {
                double size = _tree.Span(level - 1), span = size * _options.Window;
                var reading = Reading(level);
                // A step's place in its block is (w - 1) / 2 in the mean: it sees as many children, and at level 1 itself.
                var seen = 1 + reading.Overlap + ((_options.Window + (level == 1 ? 1 : -1)) / 2.0);
                sum += reading.MultiplyAddsPerStep
                    + (seen * reading.MultiplyAddsPerSeen)
                    + (reading.MultiplyAddsPerChild / size)
                    + (reading.MultiplyAddsPerBlock / span);
                if (level < _options.Levels)
                {
                    var summary = Summary(level);
                    sum += (summary.MultiplyAddsPerChild / size) + (summary.MultiplyAddsPerBlock / span);
                }
            }

            return (long)Math.Round(sum);
        }
    }

    /// <summary>
    /// The sum over the steps as <see cref="Step"/> does them: at each level that takes part the children that the step sees, and
    /// keys, values and summaries when the child or block that they are of is complete.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override long MultiplyAdds(long steps)
    {
        var sum = checked(steps * (_input.MultiplyAdds + _encoder.MultiplyAdds + _output.MultiplyAdds));
        for (var level = 1; level <= _tree.LevelsFor(steps); level++)
        {
            var (reading, readers) = (Reading(level), Math.Max(0, steps - _tree.FirstStep(level)));
            // Beside what came before: the slot of nothing, and at level 1 the step itself.
            var seen = (level == 1 ? 2 * readers : readers) + SeenBefore(level, steps);
            sum = checked(sum + (readers * reading.MultiplyAddsPerStep) + (seen * reading.MultiplyAddsPerSeen));
        }

        for (var level = 1; level <= _tree.Depth; level++)
        {
            var (reading, children) = (Reading(level), steps / _tree.Span(level - 1));
            sum = checked(sum + (children * reading.MultiplyAddsPerChild));
            if (level < _tree.Depth)
            {
                var (summary, blocks) = (Summary(level), children / _options.Window);
                var perBlock = reading.MultiplyAddsPerBlock
                    + summary.MultiplyAddsPerBlock
                    + (_options.Window * summary.MultiplyAddsPerChild);
                sum = checked(sum + (blocks * perBlock));
            }
        }

        return sum;
    }

    /// <summary>
    /// Of the state the keys and values of the children that a step sees, those of the children that it completes, and where it
    /// completes a block that block's children and what is kept of them as the block before. All trained values are counted in every
    /// step, though those of summaries are used by few.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override Traffic StepTraffic(long steps)
    {
        long width = _options.Width, state = 0;
        var results = steps * (Traffic.ResultsOf(_input) + Traffic.ResultsOf(_encoder) + Traffic.ResultsOf(_output));
        for (var level = 1; level <= _tree.LevelsFor(steps); level++)
        {
            // Keys and values are results of a child, not of a step.
            var perReader = Traffic.ResultsOf(Reading(level)) - (2 * width);
            results += Math.Max(0, steps - _tree.FirstStep(level)) * perReader;
            state += 2 * width * SeenBefore(level, steps);
        }

        for (var level = 1; level <= _tree.Depth; level++)
        {
            var children = steps / _tree.Span(level - 1);
            results += children * 2 * width;
            state += children * 2 * width;
            if (level < _tree.Depth)
            {
                var blocks = children / _options.Window;
                results += blocks * Traffic.ResultsOf(Summary(level));
                state += (children * width) + (blocks * width * (_options.Window + (4L * Reading(level).Overlap)));
            }
        }

        return new Traffic(checked(steps * ParameterCount), state, (steps * InputWidth) + (2 * results));
    }

    /// <summary>
    /// The hops are: the encoder, one summary for each level above the first at which the earlier step is seen, the reading at
    /// that level, and the output; the encoder and the output alone for lag 0. It is the worst case over the places of the two
    /// steps in sequences of up to w^L steps, with L the <c>levels</c>, or more if only more hold such a lag. Without overlap
    /// two neighbours may meet at level L only: L + 2 hops for every lag from 1 to w^L - 1. With an overlap o it is the first
    /// level l with o w^(l-1) of at least the lag, if that is lower: about log_w(lag) + 3 hops. <see cref="SequenceModel.NoPath"/> from
    /// lag <see cref="Reach"/> on: no sequence that is allowed has one.
    /// </summary>
    /// <param name="lag">Steps between input and output; 0 or more.</param>
    public override long PathLength(long lag) =>
        lag == 0 ? 2 : lag >= Reach ? NoPath : _tree.LastLevelToSee(lag, _options.Overlap) + 2;

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => new State(
        0, [.. Enumerable.Range(1, _tree.Depth).Select(level => Reading(level).Start(batch, level < _tree.Depth))]);

    /// <inheritdoc/>
    /// <exception cref="ShapeException">The input has another shape, or the stream is longer than <see cref="Reach"/>.</exception>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        var (t, buffers) = ((State)state).Copy();
        RequireReach(t, "a stream");
        var child = Encode(input);
        buffers[0] = Reading(1).Put(buffers[0], child, 1, t);
        var h = child;
        for (var level = 1; level <= _tree.LevelsFor(t + 1); level++)
        {
            h = Reading(level).Step(h, buffers[level - 1], level, t);
        }

        for (var level = 1; level < _tree.Depth && (t + 1) % _tree.Span(level) == 0; level++)
        {
            child = Summary(level).forward(buffers[level - 1].Children!).squeeze(1);
            buffers[level - 1] = Reading(level).Turn(buffers[level - 1]);
            buffers[level] = Reading(level + 1).Put(buffers[level], child, level + 1, t);
        }

        return (Output(h), new State(t + 1, buffers));
    }

    /// <inheritdoc/>
    /// <exception cref="ShapeException">The input has another shape, or is longer than <see cref="Reach"/>.</exception>
    public override Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var time = input.shape[1];
        RequireReach(time - 1, "a sequence");
        var children = Encode(input);
        var h = children;
        // Modules that nothing reaches yet get no rows rather than no call: each parameter has a gradient, if only 0.
        var levels = Math.Max(_tree.LevelsFor(time), _summaries.Length + 1);
        for (var level = 1; level <= levels; level++)
        {
            h = Reading(level).Forward(h, children, level);
            if (level < levels)
            {
                children = Summary(level).forward(children);
            }
        }

        return Output(h);
    }

    private LevelReading Reading(int level) => _readings[Math.Min(level, _readings.Length) - 1];

    private BlockSummary Summary(int level) => _summaries[Math.Min(level, _summaries.Length) - 1];

    /// <summary>How many earlier children the first steps see at a level, all together.</summary>
    private long SeenBefore(int level, long steps) =>
        _tree.PlacesBefore(level, steps) + (Reading(level).Overlap * Math.Max(0, steps - _tree.Span(level)));

    private Tensor Encode(Tensor input) => _encoder.forward(_input.forward(input));

    private Tensor Output(Tensor h) => _output.forward(_norm.forward(h));

    /// <summary>Requires that a step, counted from 0, is one that the tree holds.</summary>
    private void RequireReach(long step, string what)
    {
        if (step >= Reach)
        {
            throw new ShapeException(
                $"model '{GetName()}': {what} of T = {step + 1} steps is not allowed; with window {_options.Window} and "
                + $"{_tree.Depth} levels, {_options.Window}^{_tree.Depth} = {Reach} or fewer are"
                + (_options.Beyond == BeyondReach.Error ? ", and more with model.beyond 'add-level'." : "."));
        }
    }

    private sealed record State(long Steps, IReadOnlyList<LevelBuffer> Levels) : ModelState
    {
        /// <summary>The number of steps of every sequence, <c>[batch]</c>, then the buffers.</summary>
        public override IEnumerable<Tensor> Tensors
        {
            get
            {
                var buffers = Levels.SelectMany(level => level.Tensors).ToList();
                var batch = buffers[0].shape[0];
                return [HeldNumber.With(Steps, steps => full(batch, steps, dtype: ScalarType.Int64)), .. buffers];
            }
        }

        public override ModelState With(IReadOnlyList<Tensor> tensors)
        {
            var rest = new Queue<Tensor>(tensors.Skip(1));
            return new State(
                tensors[0][0].ToInt64(), [.. Levels.Select(level => level.With([.. level.Tensors.Select(_ => rest.Dequeue())]))]);
        }

        public (long Steps, LevelBuffer[] Levels) Copy() => (Steps, [.. Levels]);
    }
}

/// <summary>What happens to a sequence that is longer than window^levels steps.</summary>
public enum BeyondReach
{
    /// <summary>It is refused.</summary>
    Error,

    /// <summary>It gets as many more levels as it needs, with the parameters of the highest.</summary>
    AddLevel,
}

/// <summary>Configuration of a <see cref="HierarchicalAttentionModel"/>.</summary>
[CatalogName("hierarchical-attention", "Attention over a window of steps and, level by level, summaries (Culurciello 2018).")]
public sealed record HierarchicalAttentionOptions : ModelOptions
{
    private const int MostLevels = 30;

    /// <summary>The number w of steps in a window, and of blocks in a block of the next level; 2 or more.</summary>
    public int Window { get; init; } = 100;

    /// <summary>The number L of levels: w^L steps are within reach; 1 to 30.</summary>
    public int Levels { get; init; } = 2;

    /// <summary>Attention heads, of readings and summaries; a divisor of the width.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Width of encodings and summaries.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Width of the hidden layers of the feed-forward blocks; 0: twice the width.</summary>
    public int Hidden { get; init; }

    /// <summary>
    /// How many of the last steps, or at higher levels summaries, of the block before its own a step sees as well; 0 to w. From
    /// 1 on, a short lag is a short path wherever the borders of blocks lie.
    /// </summary>
    public int Overlap { get; init; }

    /// <summary>What happens to a sequence of more than w^L steps.</summary>
    public BeyondReach Beyond { get; init; } = BeyondReach.AddLevel;

    internal int HiddenWidth => Hidden == 0 ? 2 * Width : Hidden;

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random) =>
        new HierarchicalAttentionModel(inputWidth, outputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("model.window", Window, 2);
        Require.Between("model.levels", Levels, 1, MostLevels);
        Require.AtLeast("model.heads", Heads, 1);
        Require.AtLeast("model.width", Width, 1);
        Require.AtLeast("model.hidden", Hidden, 0);
        Require.Between("model.overlap", Overlap, 0, Window);
        Require.Shareable("model.width", Width, Heads);
    }
}
