using System.Security.Cryptography;
using NtmLab.Configuration;
using NtmLab.Data;
using NtmLab.Runs;
using NtmLab.Training;
using static TorchSharp.torch;

namespace NtmLab.Interchange;

/// <summary>The weights of a run, to and from files for other programs, in the model's <see cref="WeightsLayout"/>.</summary>
public static class RunWeights
{
    /// <summary>Writes the weights of a run.</summary>
    /// <param name="directory">The run's folder.</param>
    /// <param name="best">Whether those that scored best during training are meant, not the last ones.</param>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="format"><see cref="ExportFormat.Pytorch"/> or <see cref="ExportFormat.Safetensors"/>.</param>
    /// <exception cref="CheckpointException">The run has no such checkpoint, or it is damaged.</exception>
    /// <exception cref="RunException">There is no such run, or the file cannot be written.</exception>
    public static void Export(string directory, bool best, string path, ExportFormat format)
    {
        using var scope = NewDisposeScope();
        var layout = LayoutOf(RunFolder.ReadRecord(directory));
        WeightsFile.Write(path, format, layout.ToFile(Checkpoint.ReadModel(RunFolder.CheckpointOf(directory, best))));
    }

    /// <summary>
    /// Makes a finished run of weights from a file: with the configuration and the script of another run, and no training of its own.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="like">The folder of the run whose configuration the weights are for.</param>
    /// <param name="runs">The folder that holds all runs.</param>
    /// <param name="codeVersion">The version of NtmLab, for the record.</param>
    /// <param name="machine">This machine, for the record.</param>
    /// <param name="clock">Tells the time for the record.</param>
    /// <returns>The new run's folder and record.</returns>
    /// <exception cref="DataException">The file is missing or damaged, or holds other weights than the run's model has.</exception>
    /// <exception cref="CheckpointException">The run has no checkpoint yet, or it is damaged.</exception>
    /// <exception cref="RunException">There is no such run, or a new one cannot be written.</exception>
    public static (string Directory, RunRecord Record) Import(
        string path, string like, string runs, string codeVersion, MachineRecord machine, TimeProvider clock)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var likeRecord = RunFolder.ReadRecord(like);
        var layout = LayoutOf(likeRecord);
        var own = Checkpoint.ReadModel(RunFolder.CheckpointOf(like, best: false));
        var (file, format) = WeightsFile.Read(path);
        var tensors = layout.FromFile(Matching(path, file, layout.ToFile(own), likeRecord.Id), own);
        var imported = new ImportRecord(Path.GetFullPath(path), format, Hash(path), likeRecord.Id);
        using var folder = RunFolder.Create(
            runs,
            likeRecord.Name,
            likeRecord.Seed,
            File.ReadAllText(RunFolder.ScriptOf(like)),
            id => Blank(likeRecord) with
            {
                Id = id,
                Started = clock.GetUtcNow(),
                CodeVersion = codeVersion,
                Machine = machine,
                Imported = imported,
            },
            clock);
        Checkpoint.SaveModel(folder.LastCheckpoint, tensors, folder.Record.Id);
        folder.Update(record => record with { Status = RunStatus.Finished, Fault = null });
        return (folder.Directory, folder.Record);
    }

    /// <summary>The record of a run of the same configuration that has not been trained, as it is until its weights are there.</summary>
    private static RunRecord Blank(RunRecord record) => record with
    {
        Status = RunStatus.Failed,
        Sequences = 0,
        Seconds = 0,
        SkippedBatches = 0,
        SolvedAtSequences = null,
        SolvedAtSeconds = null,
        Evaluation = [],
        Fault = "The import did not come to its end.",
    };

    private static WeightsLayout LayoutOf(RunRecord record) => WeightsLayout.Of(ConfigurationJson.ReadModel(record.Configuration));

    /// <summary>The tensors of a file as the model's type, each of the name and shape that is wanted.</summary>
    private static Dictionary<string, Tensor> Matching(
        string path,
        IReadOnlyDictionary<string, Tensor> file,
        IReadOnlyList<(string Name, Tensor Value)> wanted,
        string run)
    {
        var matching = new Dictionary<string, Tensor>();
        foreach (var (name, value) in wanted)
        {
            if (!file.TryGetValue(name, out var found))
            {
                throw DataFile.Fault(path, $"holds no {name} {Shape.Text(value.shape)}, which the model of {run} has");
            }

            if (!found.shape.SequenceEqual(value.shape))
            {
                throw DataFile.Fault(
                    path, $"{name} is {Shape.Text(found.shape)}; {Shape.Text(value.shape)} is wanted for the model of {run}");
            }

            if (!found.is_floating_point())
            {
                throw DataFile.Fault(path, $"{name} is of type {found.dtype}; floating-point numbers are wanted");
            }

            matching[name] = found.to(value.dtype);
            if (!matching[name].isfinite().all().item<bool>())
            {
                throw DataFile.Fault(path, $"{name} holds a value that is not a finite number");
            }
        }

        return file.Keys.Order(StringComparer.Ordinal).FirstOrDefault(name => !matching.ContainsKey(name)) is { } surplus
            ? throw DataFile.Fault(path, $"holds {surplus}, which the model of {run} does not have")
            : matching;
    }

    private static string Hash(string path)
    {
        using var file = DataFile.Open(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
