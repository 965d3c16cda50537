using NtmLab.Probes;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// A model whose input in each step is the number of a token: it is turned into a vector, by a trained embedding
/// (<c>x = E[token]</c>, <c>E [tokens, width]</c>) or with a 1 in the token's own place, and given to another model.
/// </summary>
public sealed class TokenModel : SequenceModel
{
    private readonly int _tokens;
    private readonly bool _isEmbedded;

    /// <summary>Builds a model of tokens around another one.</summary>
    /// <param name="options">The other model; its <see cref="ModelOptions.Embedding"/> is the embedding's width, or 0.</param>
    /// <param name="tokens">How many tokens there are.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public TokenModel(ModelOptions options, int tokens, int outputWidth, RandomStream random)
        : base("token", 1, outputWidth)
    {
        _tokens = tokens;
        _isEmbedded = options.Embedding > 0;
        if (_isEmbedded)
        {
            register_parameter("embedding", Initialisation.Normal(random, 1, tokens, options.Embedding));
        }

        Inner = options.Build(_isEmbedded ? options.Embedding : tokens, outputWidth, random);
        register_module("inner", Inner);
    }

    /// <summary>The model that the vectors are given to.</summary>
    public SequenceModel Inner { get; }

    /// <inheritdoc/>
    public override long StateSize => Inner.StateSize;

    /// <inheritdoc/>
    public override bool StateGrows => Inner.StateGrows;

    /// <inheritdoc/>
    public override bool CountsSlots => Inner.CountsSlots;

    /// <inheritdoc/>
    public override Tensor? SlotsUsed(ModelState state) => Inner.SlotsUsed(state);

    /// <inheritdoc/>
    public override long MultiplyAddsPerStep => Inner.MultiplyAddsPerStep;

    /// <inheritdoc/>
    public override long MultiplyAdds(long steps) => Inner.MultiplyAdds(steps);

    /// <inheritdoc/>
    public override bool ComputesAtOnce => Inner.ComputesAtOnce;

    /// <inheritdoc/>
    public override long ResultsPerStep => Inner.ResultsPerStep;

    /// <summary>What the model inside must move; of the embedding it reads a row for each sequence, as its input.</summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override Traffic StepTraffic(long steps) => Inner.StepTraffic(steps);

    /// <inheritdoc/>
    public override bool CanFuse => Inner.CanFuse;

    /// <inheritdoc/>
    public override bool IsFused => Inner.IsFused;

    /// <inheritdoc/>
    public override long WorkspaceBytes => Inner.WorkspaceBytes;

    /// <inheritdoc/>
    public override long PathLength(long lag) =>
        Inner.PathLength(lag) is var hops && hops < NoPath && _isEmbedded ? hops + 1 : hops;

    /// <inheritdoc/>
    public override void Fuse(int threads) => Inner.Fuse(threads);

    /// <inheritdoc/>
    public override void StopFusing() => Inner.StopFusing();

    /// <inheritdoc/>
    public override ModelState InitialState(long batch) => Inner.InitialState(batch);

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        return Inner.Step(Vectors(input), state, trace);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        RequireSequences(input);
        return Inner.Forward(Vectors(input), trace);
    }

    /// <inheritdoc/>
    public override (Tensor Logits, Tensor? Price) ForwardWithPrice(Tensor input)
    {
        RequireSequences(input);
        return Inner.ForwardWithPrice(Vectors(input));
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireSequences(input);
        return Inner.Run(Vectors(input), state, trace);
    }

    /// <summary>From numbers <c>[..., 1]</c> to vectors <c>[..., width]</c>.</summary>
    /// <exception cref="ShapeException">A number is none of a token.</exception>
    private Tensor Vectors(Tensor input)
    {
        using var scope = NewDisposeScope();
        var numbers = input.squeeze(-1).to(ScalarType.Int64);
        var (least, most) = (numbers.min().item<long>(), numbers.max().item<long>());
        if (least < 0 || most >= _tokens)
        {
            throw new ShapeException(
                $"model 'token': the input holds token {(least < 0 ? least : most)}; 0 to {_tokens - 1} are known.");
        }

        var vectors = _isEmbedded
            ? get_parameter("embedding")!.index_select(0, numbers.flatten()).reshape([.. numbers.shape, -1])
            : nn.functional.one_hot(numbers, _tokens).to(parameters().First().dtype);
        return vectors.MoveToOuterDisposeScope();
    }
}
