using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// A pre-norm layer around a <see cref="DiagonalStateSpace"/> (Gu, Goel, Re 2021, S4's block; gated linear unit: Dauphin et
/// al. 2017): <c>y = x + a sigmoid(g)</c>, where <c>a, g = W gelu(state space(norm(x))) + b</c>.
/// </summary>
public sealed class StateSpaceBlock : nn.Module<Tensor, Tensor>
{
    private readonly LayerNormalisation _norm;
    private readonly DiagonalStateSpace _stateSpace;
    private readonly Projection _gated;

    /// <summary>Makes the layer.</summary>
    /// <param name="width">Width of x and y; each channel has a state space of its own.</param>
    /// <param name="states">Complex states of each channel.</param>
    /// <param name="stepMin">The smallest step at first, greater than 0.</param>
    /// <param name="stepMax">The largest step at first.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public StateSpaceBlock(int width, int states, double stepMin, double stepMax, RandomStream random)
        : base(nameof(StateSpaceBlock))
    {
        _norm = new LayerNormalisation(width);
        _stateSpace = new DiagonalStateSpace(width, states, stepMin, stepMax, random);
        _gated = new Projection(width, 2 * width, random);
        register_module("norm", _norm);
        register_module("state_space", _stateSpace);
        register_module("gated", _gated);
    }

    /// <summary>Values carried from step to step for one sequence.</summary>
    public long StateSize => _stateSpace.StateSize;

    /// <summary>Multiply-adds of one step for one sequence.</summary>
    public long MultiplyAddsPerStep => _stateSpace.MultiplyAddsPerStep + _gated.MultiplyAdds;

    /// <summary>The state before the first step.</summary>
    /// <param name="batch">The number of sequences.</param>
    public ComplexPair Start(long batch) => _stateSpace.Start(batch);

    /// <summary>Whole sequences from the first state, from and to <c>[batch, time, width]</c>.</summary>
    public override Tensor forward(Tensor input) =>
        Gated(input, _stateSpace.forward(_norm.forward(input)));

    /// <summary>Whole sequences from a given state.</summary>
    /// <param name="input">x, <c>[batch, time, width]</c>.</param>
    /// <param name="state">The state before the first step.</param>
    /// <returns>y, <c>[batch, time, width]</c>, and the state after the last step.</returns>
    public (Tensor Output, ComplexPair State) Run(Tensor input, ComplexPair state)
    {
        var (output, next) = _stateSpace.Run(_norm.forward(input), state);
        return (Gated(input, output), next);
    }

    /// <summary>One step.</summary>
    /// <param name="input">x, <c>[batch, width]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    /// <returns>y, <c>[batch, width]</c>, and the state now.</returns>
    public (Tensor Output, ComplexPair State) Step(Tensor input, ComplexPair state)
    {
        var (output, next) = _stateSpace.Step(_norm.forward(input), state);
        return (Gated(input, output), next);
    }

    private Tensor Gated(Tensor input, Tensor output) =>
        input + nn.functional.glu(_gated.forward(nn.functional.gelu(output)), -1);
}
