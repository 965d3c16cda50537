using NtmLab.Configuration;
using NtmLab.Models.Blocks;
using NtmLab.Probes;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The temporal convolutional network of Bai, Kolter and Koltun (2018, arXiv 1803.01271): a stack of residual blocks, each of
/// two dilated causal convolutions, whose dilation grows from block to block, then a linear layer:
/// <code>
/// x_0    = input                                          [batch, time, feature]
/// x_i+1  = relu(R_i x_i + F_i(x_i)), dilation base^i      [batch, time, channels]     see <see cref="TemporalBlock"/>
/// logits = W_output x_blocks + b                          [batch, time, out]
/// </code>
/// An output sees the last <see cref="ReceptiveField"/> steps and nothing before them. There is no dropout: tasks make fresh
/// sequences without end, so that there is nothing to learn by heart.
/// </summary>
public sealed class TcnModel : SequenceModel
{
    private readonly TcnOptions _options;
    private readonly TemporalBlock[] _blocks;
    private readonly Projection _output;

    /// <summary>
    /// Makes the model with freshly drawn parameters, those of the convolutions as in He et al. 2015; the paper's own start,
    /// normal with deviation 0.01, hardly learns here.
    /// </summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public TcnModel(int inputWidth, int outputWidth, TcnOptions options, RandomStream random)
        : base("tcn", inputWidth, outputWidth)
    {
        ReceptiveField = ReceptiveFieldOf(options);
        _options = options;
        _blocks = new TemporalBlock[options.ChosenBlocks()];
        var dilation = 1;
        for (var i = 0; i < _blocks.Length; i++)
        {
            var below = i == 0 ? inputWidth : options.Channels;
            _blocks[i] = new TemporalBlock(
                below, options.Channels, options.Kernel, dilation, options.WeightNorm, random);
            register_module($"block_{i}", _blocks[i]);
            dilation *= options.DilationBase;
        }

        _output = new Projection(options.Channels, outputWidth, random);
        register_module("output", _output);
    }

    /// <summary>The number of residual blocks.</summary>
    public int Blocks => _blocks.Length;

    /// <summary>
    /// Steps that an output sees, its own among them: <c>1 + 2 (kernel - 1) (sum of dilations)</c>. Lags below it can be
    /// learnt.
    /// </summary>
    public long ReceptiveField { get; }

    /// <inheritdoc/>
    public override bool ComputesAtOnce => true;

    /// <summary>The past inputs of every convolution: <c>(kernel - 1) dilation</c> steps of its width each.</summary>
    public override long StateSize => _blocks.Sum(block => block.StateSize);

    /// <summary>
    /// Multiply-adds of one forward step for one sequence: all products of convolutions and of the output layer. Normalising
    /// weights is not among them: it is once a call, however many steps and sequences that has.
    /// </summary>
    public override long MultiplyAddsPerStep => _blocks.Sum(block => block.MultiplyAddsPerStep) + _output.MultiplyAdds;

    /// <summary>
    /// Of the state what the kernel of each convolution sees of the past, and the new input of each: no other past step is touched.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override Traffic StepTraffic(long steps) => base.StepTraffic(steps) with
    {
        State = checked(steps * _blocks.Sum(block => block.StateMovedPerStep)),
    };

    /// <summary>The receptive field of the model that options describe.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public static long ReceptiveFieldOf(TcnOptions options)
    {
        options.Validate();
        return options.FieldOf(options.ChosenBlocks());
    }

    /// <summary>
    /// The fewest hops from an input to the output <paramref name="lag"/> steps later. A hop is a convolution, that of the
    /// first block's residual path included where there is one, or the output layer; other residual paths are none. A block
    /// with the right dilation may make a long lag alone, so that the path to it can be shorter than to a lag below it.
    /// <see cref="SequenceModel.NoPath"/> from <see cref="ReceptiveField"/> on.
    /// </summary>
    public override long PathLength(long lag)
    {
        if (lag < 0 || lag >= ReceptiveField)
        {
            return NoPath;
        }

        // What is left of the lag for the blocks above, in units of their dilation, with the fewest hops so far. The two
        // convolutions of a block delay by 0 to 2 (kernel - 1) units; what is no multiple of the next dilation is due now.
        var left = new Dictionary<long, long> { [lag] = 0 };
        var most = 2L * (_options.Kernel - 1);
        var around = InputWidth == _options.Channels ? 0 : 1;
        for (var i = 0; i < _blocks.Length; i++)
        {
            var above = new Dictionary<long, long>();
            foreach (var (rest, hops) in left)
            {
                var unit = _options.DilationBase;
                for (var delay = rest % unit; delay <= Math.Min(most, rest); delay += unit)
                {
                    var key = (rest - delay) / unit;
                    var length = hops + (delay == 0 ? around : 2);
                    above[key] = Math.Min(length, above.GetValueOrDefault(key, NoPath));
                }
            }

            left = above;
            around = 0;
        }

        return left[0] + 1;
    }

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => new State([.. _blocks.Select(block => block.Start(batch))]);

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        var (logits, next) = Through(input.unsqueeze(1), (State)state);
        return (logits.squeeze(1), next);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        RequireSequences(input);
        return Through(input, (State)InitialState(input.shape[0])).Logits;
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var (logits, next) = Through(input, (State)state);
        // Copies: a view would keep the activations of the whole sequence alive.
        return (logits, new State([.. next.Past.Select(past => new TemporalPast(past.First.clone(), past.Second.clone()))]));
    }

    private (Tensor Logits, State State) Through(Tensor input, State state)
    {
        var next = new TemporalPast[_blocks.Length];
        var x = input;
        for (var i = 0; i < _blocks.Length; i++)
        {
            (x, next[i]) = _blocks[i].Run(x, state.Past[i]);
        }

        return (_output.forward(x), new State(next));
    }

    private sealed record State(IReadOnlyList<TemporalPast> Past) : ModelState
    {
        public override IEnumerable<Tensor> Tensors => Past.SelectMany(past => (Tensor[])[past.First, past.Second]);

        public override ModelState With(IReadOnlyList<Tensor> tensors) =>
            new State([.. tensors.Chunk(2).Select(pair => new TemporalPast(pair[0], pair[1]))]);
    }
}

/// <summary>
/// Configuration of a <see cref="TcnModel"/>. For a wanted lag, e.g. 1000, <c>new TcnOptions { Lag = 1000 }</c> takes as many
/// blocks as that needs.
/// </summary>
[CatalogName("tcn", "Temporal convolutional network: residual blocks of dilated causal convolutions (Bai et al. 2018).")]
public sealed record TcnOptions : ModelOptions
{
    /// <summary>The number of blocks where neither <see cref="Blocks"/> nor <see cref="Lag"/> says how many.</summary>
    public const int DefaultBlocks = 6;

    /// <summary>The greatest receptive field; a state of as many steps fills the memory of any machine.</summary>
    public const int ReceptiveFieldLimit = 100_000_000;

    /// <summary>Width of every block; 1 or more.</summary>
    public int Channels { get; init; } = 64;

    /// <summary>Steps that a convolution sees at once; 2 or more.</summary>
    public int Kernel { get; init; } = 3;

    /// <summary>
    /// The number of residual blocks; 0 chooses it: the fewest that cover <see cref="Lag"/>, or <see cref="DefaultBlocks"/>
    /// without one.
    /// </summary>
    public int Blocks { get; init; }

    /// <summary>
    /// How much the dilation grows from a block to the next; from 1 to <c>2 kernel - 1</c>, above which an output would not see
    /// every step of its receptive field.
    /// </summary>
    public int DilationBase { get; init; } = 2;

    /// <summary>The lag that the receptive field must exceed; 0 asks for none.</summary>
    public int Lag { get; init; }

    /// <summary>Whether weights are trained as length and direction (Salimans and Kingma 2016), as in the paper.</summary>
    public bool WeightNorm { get; init; } = true;

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random) =>
        new TcnModel(inputWidth, outputWidth, this, random);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.AtLeast("model.channels", Channels, 1);
        Require.Between("model.kernel", Kernel, 2, ReceptiveFieldLimit / 2);
        Require.Between("model.dilationBase", DilationBase, 1, (2L * Kernel) - 1);
        Require.AtLeast("model.blocks", Blocks, 0);
        Require.Between("model.lag", Lag, 0, ReceptiveFieldLimit - 1);
        var blocks = ChosenBlocks();
        var field = FieldOf(blocks);
        if (field > ReceptiveFieldLimit)
        {
            var (option, value) = Blocks == 0 && Lag > 0 ? ("lag", Lag) : ("blocks", blocks);
            throw new ConfigurationException(
                $"model.{option}: {value} is not allowed: with kernel {Kernel} and dilation base {DilationBase}, {blocks} blocks "
                + $"have a receptive field of more than {ReceptiveFieldLimit} steps; "
                + $"at most {FewestBlocks(ReceptiveFieldLimit) - 1} blocks are allowed.");
        }

        if (field <= Lag)
        {
            throw new ConfigurationException(
                $"model.blocks: {Blocks} is not allowed with a lag of {Lag}: with kernel {Kernel} the receptive field is "
                + $"{field} steps; {FewestBlocks(Lag)} or more blocks are, or a kernel of {LeastKernel(field)} or more.");
        }
    }

    /// <summary>The number of blocks that the model has.</summary>
    internal int ChosenBlocks() => (Blocks, Lag) switch
    {
        (0, 0) => DefaultBlocks,
        (0, _) => FewestBlocks(Lag),
        _ => Blocks,
    };

    /// <summary>The receptive field of so many blocks, in steps; beyond the limit, some number beyond it.</summary>
    internal long FieldOf(int blocks) => Stack(blocks, ReceptiveFieldLimit).Field;

    private int FewestBlocks(long lag) => Stack(int.MaxValue, lag).Blocks;

    /// <summary>The least kernel with which the given blocks exceed the lag, from the field that they have.</summary>
    private long LeastKernel(long field)
    {
        var perKernelStep = (field - 1) / (Kernel - 1);
        return 1 + ((Lag + perKernelStep - 1) / perKernelStep);
    }

    /// <summary>Puts block on block until they are so many, or their receptive field exceeds a lag.</summary>
    private (int Blocks, long Field) Stack(int most, long lag)
    {
        var (blocks, field, dilation) = (0, 1L, 1L);
        while (blocks < most && field <= lag)
        {
            blocks++;
            field += 2L * (Kernel - 1) * dilation;
            dilation *= DilationBase;
        }

        return (blocks, field);
    }
}
