using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>
/// A trainer on disk: a <see cref="TensorArchive{TState}"/> of its state, with the tensors under <c>model/</c> and
/// <c>optimiser/</c>. Written atomically; checked in full before anything is restored.
/// </summary>
public static class Checkpoint
{
    private const string ModelPrefix = "model/";

    private static readonly TensorArchive<TrainerState> Archive = new("checkpoint", version: 1);

    /// <summary>Saves a trainer.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="trainer">The trainer, between two batches.</param>
    /// <param name="run">The run's id.</param>
    /// <param name="previous">Where an older file is kept; null to let go of it.</param>
    /// <exception cref="RunException">The file cannot be written; an older one is intact.</exception>
    public static void Save(string path, Trainer trainer, string run, string? previous = null) =>
        Archive.Write(path, run, trainer.State, Tensors(trainer), previous);

    /// <summary>Puts a saved trainer back: parameters, optimiser and position in the task's stream.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trainer">A trainer of the same configuration.</param>
    /// <exception cref="CheckpointException">
    /// The file is missing, truncated, foreign or of another configuration; the trainer is unchanged.
    /// </exception>
    public static void Restore(string path, Trainer trainer)
    {
        var content = Archive.Read(path);
        content.CopyTo(Tensors(trainer));
        trainer.State = content.State;
    }

    /// <summary>
    /// Puts a saved trainer back from its last whole checkpoint: the newest, or, where that is missing or damaged, the one before it.
    /// Where there is neither, as before the first checkpoint of a run, the trainer is left as it is.
    /// </summary>
    /// <param name="newest">The newest file.</param>
    /// <param name="previous">The one before it.</param>
    /// <param name="trainer">A trainer of the same configuration.</param>
    /// <returns>What is wrong with the newest, in a sentence, where it was passed over; else null.</returns>
    /// <exception cref="CheckpointException">
    /// The newest cannot be restored, and the one before it is not there or cannot either; the trainer is unchanged.
    /// </exception>
    public static string? RestoreLastWhole(string newest, string previous, Trainer trainer)
    {
        if (!File.Exists(newest))
        {
            // The process was killed between giving the old file its new name and the new file its own.
            if (File.Exists(previous))
            {
                Restore(previous, trainer);
            }

            return null;
        }

        try
        {
            Restore(newest, trainer);
            return null;
        }
        catch (CheckpointException fault) when (File.Exists(previous))
        {
            try
            {
                Restore(previous, trainer);
                return fault.Message;
            }
            catch (CheckpointException)
            {
                throw fault;
            }
        }
    }

    /// <summary>Puts the saved parameters into a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">A model of the same configuration.</param>
    /// <exception cref="CheckpointException">
    /// The file is missing, truncated, foreign or of another configuration; the model is unchanged.
    /// </exception>
    public static void RestoreModel(string path, SequenceModel model) =>
        Archive.Read(path).Below(ModelPrefix).CopyTo(ModelTensors(model));

    /// <summary>Saves a model's tensors alone, as before any training.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="tensors">Parameters and buffers by name.</param>
    /// <param name="run">The run's id.</param>
    /// <exception cref="RunException">The file cannot be written; an older one is intact.</exception>
    public static void SaveModel(string path, IEnumerable<(string Name, Tensor Value)> tensors, string run) => Archive.Write(
        path, run, new TrainerState(), tensors.Select(named => ($"{ModelPrefix}{named.Name}", named.Value)));

    /// <summary>The model's tensors of a checkpoint, parameters and buffers; they belong to the caller's dispose scope.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">The file is missing, truncated or foreign.</exception>
    public static IReadOnlyList<(string Name, Tensor Value)> ReadModel(string path)
    {
        var content = Archive.Read(path).Below(ModelPrefix);
        return [.. content.Tensors.Select(record => (record.Entry[ModelPrefix.Length..], content.Get(record.Entry)))];
    }

    private static IEnumerable<(string Entry, Tensor Value)> Tensors(Trainer trainer) =>
        ModelTensors(trainer.Model).Concat(trainer.OptimiserState.Select(named => ($"optimiser/{named.Name}", named.Value)));

    private static IEnumerable<(string Entry, Tensor Value)> ModelTensors(SequenceModel model) =>
        model.state_dict().Select(pair => ($"{ModelPrefix}{pair.Key}", pair.Value));
}
