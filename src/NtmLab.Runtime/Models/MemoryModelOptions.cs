using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a <see cref="MemoryModel"/>.</summary>
public abstract record MemoryModelOptions : ModelOptions
{
    /// <summary>The controller.</summary>
    public ControllerOptions Controller { get; init; } = new LstmControllerOptions();

    /// <summary>The number of memory slots N.</summary>
    public int Slots { get; init; } = 128;

    /// <summary>The width M of a slot.</summary>
    public int Width { get; init; } = 20;

    /// <summary>The number of read heads R.</summary>
    public int ReadHeads { get; init; } = 1;

    /// <summary>The value of every memory cell before the first step; 1e-6: Collier and Beel 2018.</summary>
    public float InitialMemory { get; init; } = 1e-6f;

    /// <summary>
    /// The standard deviation of a normal number that is added to every memory cell before the first step, always the same for the
    /// same cell: it gives every slot a name of its own, by which heads can find it before anything is written. 0 for none.
    /// </summary>
    public double InitialSpread { get; init; }

    /// <summary>The gain of the Xavier start of the projection from controller to policy.</summary>
    public double InterfaceGain { get; init; } = 1.4;

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random)
    {
        return new MemoryModel(inputWidth, outputWidth, this, BuildPolicy(inputWidth), random);
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        Controller.Validate("model.controller");
        Require.AtLeast("model.slots", Slots, 1);
        Require.AtLeast("model.width", Width, 1);
        Require.AtLeast("model.readHeads", ReadHeads, 1);
        Require.Finite("model.initialMemory", InitialMemory);
        Require.NotNegative("model.initialSpread", InitialSpread);
        Require.Positive("model.interfaceGain", InterfaceGain);
    }

    /// <summary>The policy of a model of these options.</summary>
    /// <param name="inputWidth">Features of the model's input in each step.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public MemoryPolicy BuildPolicy(int inputWidth)
    {
        Validate();
        var policy = Policy(inputWidth);
        policy.Capacity = Slots;
        return policy;
    }

    /// <summary>Makes the policy.</summary>
    /// <param name="inputWidth">Features of the model's input in each step.</param>
    protected abstract MemoryPolicy Policy(int inputWidth);
}
