using System.Globalization;
using NtmLab.Kernels;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// Decides what a memory-augmented model writes, where, and what it reads. In each step the model asks first
/// <see cref="Write"/>, with the memory as the last step left it, changes the memory accordingly, and then asks
/// <see cref="Read"/>, with the new memory. The model does not know which policy it has.
/// </summary>
public abstract class MemoryPolicy : nn.Module
{
    /// <summary>Makes a policy for a memory of a given width.</summary>
    /// <param name="name">The policy's name in the field, e.g. <c>ntm</c>.</param>
    /// <param name="width">The width M of a slot.</param>
    /// <param name="readHeads">The number of vectors read in each step.</param>
    /// <param name="writeHeads">The number of vectors written in each step.</param>
    protected MemoryPolicy(string name, int width, int readHeads, int writeHeads)
        : base(name)
    {
        Width = width;
        ReadHeads = readHeads;
        WriteHeads = writeHeads;
    }

    /// <summary>The width M of a slot.</summary>
    public int Width { get; }

    /// <summary>The number of vectors read in each step.</summary>
    public int ReadHeads { get; }

    /// <summary>The number of vectors written in each step.</summary>
    public int WriteHeads { get; }

    /// <summary>The fewest slots that the policy can work with.</summary>
    public virtual int LeastSlots => 1;

    /// <summary>
    /// Whether memory begins without slots and gets new ones as writes ask for them; the model's number of slots is then the most
    /// that there may be.
    /// </summary>
    public virtual bool Grows => false;

    /// <summary>The most slots that there may be: the model's number of slots, which the model sets.</summary>
    public int Capacity { get; internal set; } = int.MaxValue;

    /// <summary>Whether saving has a price that training adds to the loss: <see cref="PolicyState.Price"/>.</summary>
    public virtual bool HasPrice => false;

    /// <summary>
    /// Whether, as things are, heads choose single slots by a rule that no gradient passes through, which the fused engine then
    /// computes only without gradients.
    /// </summary>
    public virtual bool ChoosesSlots => false;

    /// <summary>Whether its states know how many slots hold something: <see cref="PolicyState.SlotsUsed"/>.</summary>
    public virtual bool CountsSlots => false;

    /// <summary>How many values the policy needs from the controller in each step.</summary>
    public abstract int InterfaceSize { get; }

    /// <summary>Values that the policy carries from step to step for one sequence.</summary>
    /// <param name="slots">The number of slots.</param>
    public abstract long StateSize(int slots);

    /// <summary>Multiply-adds of the decisions of one step for one sequence; reading and writing themselves not counted.</summary>
    /// <param name="slots">The number of slots.</param>
    public abstract long MultiplyAddsPerStep(int slots);

    /// <summary>Values of the memory and of the policy's own state that a step writes for one sequence; by default all of them.</summary>
    /// <param name="slots">The number of slots.</param>
    public virtual long WrittenPerStep(int slots) => ((long)slots * Width) + StateSize(slots);

    /// <summary>What a fused kernel computes with this policy; null if there is none that knows it.</summary>
    /// <param name="inputs">Features of the model's input.</param>
    /// <param name="outputs">Logits in each step.</param>
    /// <param name="controller">The model's controller.</param>
    /// <param name="slots">The number of slots.</param>
    /// <param name="blank">The value of every memory cell before the first step; null if slots start with contents of their own.</param>
    public virtual NetworkShape? FusedShape(int inputs, int outputs, Controller controller, int slots, float? blank) => null;

    /// <summary>The option that the policy's fused kernel does not know; null where there is none.</summary>
    public virtual string? Unfused => null;

    /// <summary>Sets the bias that the projection from controller to policy starts with; by default it stays zero.</summary>
    /// <param name="bias">Zeros, <c>[InterfaceSize]</c>.</param>
    public virtual void StartBias(Span<float> bias)
    {
    }

    /// <summary>The state before the first step, on the memory's device and of its type.</summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    public abstract PolicyState Start(Tensor memory);

    /// <summary>
    /// A state over more slots, where the new ones come last and nothing was written to them; null where the policy cannot go on
    /// so. By default every tensor has its values where they were, and the start's beyond.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <param name="slots">The number of slots it is over.</param>
    /// <param name="start">What <see cref="Start"/> gives for all slots, of the same batch.</param>
    public virtual PolicyState? Extend(PolicyState state, int slots, PolicyState start) =>
        start.With([.. state.Tensors.Zip(start.Tensors, Extended)]);

    /// <summary>Sees the model's input of a step before anything is decided; by default it takes no notice.</summary>
    /// <param name="input">The input, <c>[batch, feature]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    public virtual PolicyState Observe(Tensor input, PolicyState state) => state;

    /// <summary>Decides what to write. A weighting over more slots than there are asks for as many new ones at the end.</summary>
    /// <param name="memory">The memory one step ago, <c>[batch, slots, width]</c>.</param>
    /// <param name="interfaceValues">What the controller says, <c>[batch, InterfaceSize]</c>.</param>
    /// <param name="state">What <see cref="Observe"/> returned.</param>
    public abstract (WriteDecision Decision, PolicyState State) Write(Tensor memory, Tensor interfaceValues, PolicyState state);

    /// <summary>Decides what to read.</summary>
    /// <param name="memory">The memory after this step's write, <c>[batch, slots, width]</c>.</param>
    /// <param name="interfaceValues">The same values as for the write, <c>[batch, InterfaceSize]</c>.</param>
    /// <param name="state">The state that the write returned.</param>
    public abstract (ReadDecision Decision, PolicyState State) Read(Tensor memory, Tensor interfaceValues, PolicyState state);

    private static Tensor Extended(Tensor part, Tensor start)
    {
        var extended = start.clone();
        var place = extended;
        for (var dimension = 0; dimension < part.shape.Length; dimension++)
        {
            place = place.narrow(dimension, 0, part.shape[dimension]);
        }

        place.copy_(part);
        return extended;
    }
}

/// <summary>What a policy carries from step to step: named tensors, first dimension the batch.</summary>
public abstract record PolicyState
{
    /// <summary>All tensors of the state.</summary>
    public abstract IEnumerable<Tensor> Tensors { get; }

    /// <summary>A name for each of the <see cref="Tensors"/>, in their order; numbers where they have no others.</summary>
    public virtual IEnumerable<string> Names => Tensors.Select((_, i) => i.ToString(CultureInfo.InvariantCulture));

    /// <summary>What was saved so far costs this much in the unit of the loss, <c>[batch]</c>; null where nothing has a price.</summary>
    public virtual Tensor? Price => null;

    /// <summary>How many slots hold something that was saved, <c>[batch]</c>; null where the policy does not tell them apart.</summary>
    public virtual Tensor? SlotsUsed => null;

    /// <summary>The same kind of state with other tensors.</summary>
    /// <param name="tensors">As many as <see cref="Tensors"/>, in its order and of its shapes.</param>
    public abstract PolicyState With(IReadOnlyList<Tensor> tensors);
}

/// <summary>A write: where, what to erase, what to add.</summary>
/// <param name="Weighting">Write weightings, <c>[batch, heads, slots]</c>.</param>
/// <param name="Erase">Erase vectors in [0, 1], <c>[batch, heads, width]</c>.</param>
/// <param name="Add">Add vectors, <c>[batch, heads, width]</c>.</param>
public sealed record WriteDecision(Tensor Weighting, Tensor Erase, Tensor Add);

/// <summary>A read: where.</summary>
/// <param name="Weighting">Read weightings, <c>[batch, heads, slots]</c>.</param>
public sealed record ReadDecision(Tensor Weighting);
