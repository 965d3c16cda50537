using NtmLab.Probes;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// A model that maps a sequence to a sequence: at once with <see cref="Forward"/>, or step by step in constant memory with
/// <see cref="Step"/>. Both give the same numbers.
/// </summary>
public abstract class SequenceModel : nn.Module<Tensor, Tensor>
{
    /// <summary>The <see cref="PathLength"/> of a lag at which no output depends on the input.</summary>
    public const long NoPath = long.MaxValue;

    /// <summary>Makes a model.</summary>
    /// <param name="name">The model's kind, e.g. <c>ntm</c>.</param>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    protected SequenceModel(string name, int inputWidth, int outputWidth)
        : base(name)
    {
        InputWidth = inputWidth;
        OutputWidth = outputWidth;
    }

    /// <summary>Features of the input in each step.</summary>
    public int InputWidth { get; }

    /// <summary>Logits in each step.</summary>
    public int OutputWidth { get; }

    /// <summary>The number of trained values.</summary>
    public long ParameterCount => parameters().Sum(parameter => parameter.numel());

    /// <summary>Values carried from step to step for one sequence; of a state that grows, those before the first step.</summary>
    public abstract long StateSize { get; }

    /// <summary>Whether more is carried after more steps.</summary>
    public virtual bool StateGrows => false;

    /// <summary>Whether <see cref="SlotsUsed"/> is known.</summary>
    public virtual bool CountsSlots => false;

    /// <summary>How many slots of a memory hold something that was saved.</summary>
    /// <param name="state">A state of this model.</param>
    /// <returns><c>[batch]</c>; null where the model does not tell them apart.</returns>
    public virtual Tensor? SlotsUsed(ModelState state) => null;

    /// <summary>Multiply-adds of one forward step for one sequence; where the state grows, of the first one.</summary>
    public abstract long MultiplyAddsPerStep { get; }

    /// <summary>
    /// Multiply-adds of the first <paramref name="steps"/> steps of one sequence, forward. Where all steps cost the same, so many
    /// times <see cref="MultiplyAddsPerStep"/>; where a step costs more the more came before it, their sum.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public virtual long MultiplyAdds(long steps) => checked(steps * MultiplyAddsPerStep);

    /// <summary>
    /// Whether <see cref="Forward"/> computes all steps together, so that it reads the weights once for all of them and carries no
    /// state from one to the next.
    /// </summary>
    public virtual bool ComputesAtOnce => false;

    /// <summary>
    /// Steps, of all sequences together, that are computed at once at most: a model that computes a whole sequence at once keeps what all
    /// its layers made of every step, some 10 KiB a step. Others go through time and bound their memory themselves.
    /// </summary>
    public long StepsAtOnce => ComputesAtOnce ? 100_000 : long.MaxValue;

    /// <summary>Results of products with weights in one step of one sequence, in values.</summary>
    public virtual long ResultsPerStep => Traffic.ResultsOf(this);

    /// <summary>
    /// What the first <paramref name="steps"/> steps must move when they are computed one after the other with <see cref="Step"/>: in
    /// each all trained values, the whole state in and out, the input and the results of products with weights.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public virtual Traffic StepTraffic(long steps) => checked(new(
        steps * ParameterCount, 2 * steps * StateSize, steps * (InputWidth + (2 * ResultsPerStep))));

    /// <summary>
    /// What <see cref="Forward"/> must move: what the steps must, or, where it computes all at once, the trained values once, and
    /// inputs and results of all steps.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public Traffic ForwardTraffic(long steps) => StepTraffic(steps) is var stepping && ComputesAtOnce
        ? new Traffic(ParameterCount, 0, stepping.Activations)
        : stepping;

    /// <summary>
    /// The least number of layers that a signal from the input at one step passes on its way to the output
    /// <paramref name="lag"/> steps later; <see cref="NoPath"/> if it never gets there.
    /// </summary>
    public abstract long PathLength(long lag);

    /// <summary>Whether the fused engine knows this model as it is: its kind, its sizes, its device and type.</summary>
    public virtual bool CanFuse => false;

    /// <summary>
    /// Whether <see cref="Forward"/>, <see cref="Run"/> and, without gradients, <see cref="Step"/> are computed with the fused
    /// engine.
    /// </summary>
    public virtual bool IsFused => false;

    /// <summary>Computes with the fused engine from now on.</summary>
    /// <param name="threads">Threads that the sequences of a batch are shared among.</param>
    /// <exception cref="ConfigurationException">The fused engine does not know this model.</exception>
    public virtual void Fuse(int threads) =>
        throw new ConfigurationException(
            $"compute.engine: 'fused' is not available for this {GetName()} model{(Unfused is { } option ? $" with {option}" : "")}; "
            + "'auto' and 'reference' are.");

    /// <summary>The option that keeps the fused engine, which knows this kind of model, from computing it; null where there is none.</summary>
    protected virtual string? Unfused => null;

    /// <summary>Computes with the reference engine from now on.</summary>
    public virtual void StopFusing()
    {
    }

    /// <summary>Bytes that the fused engine holds between two calls; 0 for the reference engine.</summary>
    public virtual long WorkspaceBytes => 0;

    /// <summary>The state before the first step.</summary>
    /// <param name="batch">The number of sequences.</param>
    public abstract ModelState InitialState(long batch);

    /// <summary>One step of every sequence.</summary>
    /// <param name="input">The step's input, <c>[batch, feature]</c>.</param>
    /// <param name="state">The state that the previous step returned, or <see cref="InitialState"/>.</param>
    /// <param name="trace">Collects what the heads did, if given.</param>
    /// <returns>Logits <c>[batch, out]</c> and the next state.</returns>
    /// <exception cref="ShapeException">The input has another shape.</exception>
    public abstract (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null);

    /// <summary>Whole sequences from the initial state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, feature]</c>, at least one step.</param>
    /// <param name="trace">Collects what the heads did, if given.</param>
    /// <returns>Logits, <c>[batch, time, out]</c>.</returns>
    /// <exception cref="ShapeException">The input has another shape.</exception>
    public virtual Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        RequireSequences(input);
        return Run(input, InitialState(input.shape[0]), trace).Logits;
    }

    /// <summary>Whole sequences from the initial state, as in training.</summary>
    /// <param name="input">The sequences, <c>[batch, time, feature]</c>, at least one step.</param>
    /// <returns>
    /// Logits, <c>[batch, time, out]</c>, and what the model's own decisions cost in the unit of the loss, <c>[batch]</c>, which
    /// training adds to it; null where they cost nothing.
    /// </returns>
    /// <exception cref="ShapeException">The input has another shape.</exception>
    public virtual (Tensor Logits, Tensor? Price) ForwardWithPrice(Tensor input) => (Forward(input), null);

    /// <summary>Whole sequences from a given state: a long sequence may be cut, and what one call returns given to the next.</summary>
    /// <param name="input">The sequences, <c>[batch, time, feature]</c>, at least one step.</param>
    /// <param name="state">The state before the first step.</param>
    /// <param name="trace">Collects what the heads did, if given.</param>
    /// <returns>Logits, <c>[batch, time, out]</c>, and the state after the last step.</returns>
    /// <exception cref="ShapeException">The input has another shape.</exception>
    public virtual (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireSequences(input);
        var time = input.shape[1];
        var logits = new Tensor[time];
        var steps = input.unbind(1);
        for (var t = 0; t < time; t++)
        {
            (logits[t], state) = Step(steps[t], state, trace);
        }

        return (stack(logits, 1), state);
    }

    /// <inheritdoc/>
    public sealed override Tensor forward(Tensor input) => Forward(input);

    /// <summary>Requires an input <c>[batch, time, InputWidth]</c> of at least one step.</summary>
    protected void RequireSequences(Tensor input)
    {
        Shape.Require($"model '{GetName()}'", "input [batch, time, feature]", input, Shape.Any, Shape.Any, InputWidth);
        if (input.shape[1] < 1)
        {
            throw new ShapeException($"model '{GetName()}': the input has no time steps; 1 or more are wanted.");
        }
    }

    /// <summary>Requires the input of one step, <c>[batch, InputWidth]</c>.</summary>
    protected void RequireStep(Tensor input) =>
        Shape.Require($"model '{GetName()}'", "input [batch, feature]", input, Shape.Any, InputWidth);
}

/// <summary>What a model carries from step to step; the first dimension of every tensor is the batch.</summary>
public abstract record ModelState
{
    /// <summary>All tensors of the state.</summary>
    public abstract IEnumerable<Tensor> Tensors { get; }

    /// <summary>The same kind of state with other tensors, as one that was kept elsewhere.</summary>
    /// <param name="tensors">As many as <see cref="Tensors"/>, in its order and of its shapes.</param>
    public abstract ModelState With(IReadOnlyList<Tensor> tensors);
}
