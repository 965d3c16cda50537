using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// What a script's own memory policy is. In each step the model asks first <see cref="Write"/>, with the memory as the last step
/// left it, changes the memory accordingly, and then asks <see cref="Read"/>, with the new memory. Tensors carry gradients wherever
/// they are computed with tensor operations; what a policy remembers from step to step stands in its <see cref="NamedState"/> and
/// nowhere else.
/// </summary>
public abstract class PolicyRule
{
    /// <summary>The policy's name: lower case letters, digits and hyphens.</summary>
    public abstract string Name { get; }

    /// <summary>The number of vectors written in each step.</summary>
    public virtual int WriteHeads => 1;

    /// <inheritdoc cref="MemoryPolicy.Grows"/>
    public virtual bool Grows => false;

    /// <summary>Whether the state has a <c>price</c> that training adds to the loss.</summary>
    public virtual bool HasPrice => false;

    /// <summary>What a part of the interface starts at, about, before anything is learnt; parts not named start at 0.</summary>
    public virtual IEnumerable<(string Part, double Value)> StartBias => [];

    /// <summary>Says which values the policy wants from the controller in each step.</summary>
    /// <param name="layout">Gets the parts by name.</param>
    /// <param name="width">The width M of a slot.</param>
    /// <param name="readHeads">The number of vectors read in each step.</param>
    public abstract void Interface(InterfaceLayout layout, int width, int readHeads);

    /// <summary>The state before the first step, on the memory's device and of its type; by default nothing is remembered.</summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    public virtual NamedState Start(Tensor memory) => new();

    /// <summary>Sees the model's input before anything is decided; by default it takes no notice.</summary>
    /// <param name="input">The input, <c>[batch, feature]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    public virtual NamedState Observe(Tensor input, NamedState state) => state;

    /// <summary>Decides what to write.</summary>
    /// <param name="memory">The memory one step ago, <c>[batch, slots, width]</c>.</param>
    /// <param name="values">What the controller says, by part, each <c>[batch, heads, width]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    public abstract (WriteDecision Decision, NamedState State) Write(
        Tensor memory, IReadOnlyDictionary<string, Tensor> values, NamedState state);

    /// <summary>Decides what to read.</summary>
    /// <param name="memory">The memory after this step's write, <c>[batch, slots, width]</c>.</param>
    /// <param name="values">The same values as for the write.</param>
    /// <param name="state">The state that the write returned.</param>
    public abstract (ReadDecision Decision, NamedState State) Read(
        Tensor memory, IReadOnlyDictionary<string, Tensor> values, NamedState state);
}
