using NtmLab.Models;
using NtmLab.Tasks;
using NtmLab.Training;

namespace NtmLab.Configuration;

/// <summary>Everything that decides what a run computes; the one resolved form that a run record keeps.</summary>
public sealed record ExperimentConfiguration
{
    /// <summary>A short name, part of the run's id: lower case letters, digits and hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>One sentence: what the experiment shows.</summary>
    public string Summary { get; init; } = "";

    /// <summary>Decides every random number of the run.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Where and how it is computed.</summary>
    public ComputeOptions Compute { get; init; } = new();

    /// <summary>The task.</summary>
    public required SequenceTask Task { get; init; }

    /// <summary>The model.</summary>
    public required ModelOptions Model { get; init; }

    /// <summary>How the model is trained.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>What is scored.</summary>
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>The same experiment, scored otherwise.</summary>
    public ExperimentConfiguration With(EvaluationOptions evaluation) => this with { Evaluation = evaluation };

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public void Validate()
    {
        if (Name.Length is 0 or > 60 || !Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ConfigurationException(
                $"name: '{Name}' is not allowed; 1 to 60 lower case letters, digits and hyphens are.");
        }

        Compute.Validate();
        Task.Validate();
        Model.Validate();
        Training.Validate(Task.Lengths());
        Evaluation.Validate();
        foreach (var length in Evaluation.Lengths)
        {
            Require.Between("evaluation.lengths", length, Task.Possible().Shortest, Task.Possible().Longest);
        }
    }
}

/// <summary>Where and how a run is computed.</summary>
public sealed record ComputeOptions
{
    /// <summary>The device.</summary>
    public DeviceChoice Device { get; init; }

    /// <summary>The engine.</summary>
    public EngineChoice Engine { get; init; }

    /// <summary>
    /// Threads for arithmetic; results may differ in the last bit between thread counts. The reference engine's operations
    /// are too small to share: one thread is fastest, and does not wait for others on a busy machine.
    /// </summary>
    public int Threads { get; init; } = 1;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public void Validate() => Require.AtLeast("compute.threads", Threads, 1);
}

/// <summary>The device that tensors live on.</summary>
public enum DeviceChoice
{
    /// <summary>The processor.</summary>
    Cpu,

    /// <summary>The first CUDA device.</summary>
    Cuda,
}

/// <summary>Which implementation of a model computes.</summary>
public enum EngineChoice
{
    /// <summary>The fastest that knows the model.</summary>
    Auto,

    /// <summary>Plain TorchSharp operations.</summary>
    Reference,

    /// <summary>Whole-sequence kernels.</summary>
    Fused,
}
