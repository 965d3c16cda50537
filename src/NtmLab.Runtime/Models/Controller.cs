using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>The network that drives a memory: sees the input and what was read, and says what the heads do.</summary>
public abstract class Controller : nn.Module
{
    /// <summary>Makes a controller.</summary>
    protected Controller(string name, int inputWidth, int units)
        : base(name)
    {
        InputWidth = inputWidth;
        Units = units;
    }

    /// <summary>Width of what the controller sees in each step: the input and all read vectors.</summary>
    public int InputWidth { get; }

    /// <summary>Width of the controller's output.</summary>
    public int Units { get; }

    /// <summary>Values carried from step to step for one sequence.</summary>
    public abstract long StateSize { get; }

    /// <summary>Multiply-adds of one step for one sequence.</summary>
    public abstract long MultiplyAddsPerStep { get; }

    /// <summary>The state before the first step: tensors whose first dimension is the batch.</summary>
    public abstract IReadOnlyList<Tensor> Start(long batch);

    /// <summary>One step.</summary>
    /// <param name="input">What the controller sees, <c>[batch, InputWidth]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    /// <returns>The output <c>[batch, Units]</c> and the next state.</returns>
    public abstract (Tensor Output, IReadOnlyList<Tensor> State) Step(Tensor input, IReadOnlyList<Tensor> state);
}

/// <summary>A controller's configuration.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(LstmControllerOptions), "lstm")]
[JsonDerivedType(typeof(FeedForwardControllerOptions), "feed-forward")]
public abstract record ControllerOptions
{
    /// <summary>Width of each layer; 1 or more.</summary>
    public int Units { get; init; } = 100;

    /// <summary>Builds the controller.</summary>
    public abstract Controller Build(int inputWidth, RandomStream random);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public virtual void Validate() => Require.AtLeast("model.controller.units", Units, 1);
}
