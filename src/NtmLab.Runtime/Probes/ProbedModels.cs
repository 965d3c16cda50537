using NtmLab.Configuration;
using NtmLab.Models;
using NtmLab.Runs;
using NtmLab.Tasks;
using NtmLab.Training;

namespace NtmLab.Probes;

/// <summary>The models that probes are given: those of the catalogue as they start, or a run's as it was trained.</summary>
public static class ProbedModels
{
    /// <summary>A model of the catalogue, freshly drawn, for the needle task.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="seed">Decides its parameters.</param>
    /// <param name="changes">What is changed of its default options, each e.g. <c>model.slots=16</c>; null for nothing.</param>
    /// <exception cref="ConfigurationException">There is no such model, or a change is none that it takes.</exception>
    public static SequenceModel Untrained(string name, ulong seed = 1, IEnumerable<string>? changes = null)
    {
        var entry = Catalog.Models.FirstOrDefault(entry => entry.Name == name)
            ?? throw new ConfigurationException(
                $"there is no model '{name}'; {Suggestion.For(name, Catalog.Models.Select(entry => entry.Name))}");
        var options = (ModelOptions)Activator.CreateInstance(entry.Type)!;
        var plain = new ExperimentConfiguration { Name = name, Task = new NeedleTask(), Model = options };
        var changed = ConfigurationOverride.Apply(plain, changes ?? []);
        return changed.Model.Build(changed.Task, new RandomStream(seed, "model"));
    }

    /// <summary>A run's model with the parameters of its last checkpoint.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <exception cref="ConfigurationException">The run's task or model is none of the catalogue.</exception>
    /// <exception cref="CheckpointException">The run has no checkpoint yet, or it is damaged.</exception>
    /// <exception cref="RunException">There is no such run.</exception>
    public static SequenceModel Trained(string directory)
    {
        var record = RunFolder.ReadRecord(directory);
        var unknown = new ExperimentConfiguration { Name = record.Name, Task = new NeedleTask(), Model = new NtmOptions() };
        var configuration = ConfigurationJson.Read(record.Configuration, unknown);
        var model = configuration.Model.Build(configuration.Task, new RandomStream(configuration.Seed, "model"));
        try
        {
            Checkpoint.RestoreModel(RunFolder.CheckpointOf(directory, best: false), model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
