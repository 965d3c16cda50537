using NtmLab.Runs;

namespace NtmLab.Interchange;

/// <summary>What a run is written to for other programs.</summary>
public static class RunExport
{
    private static readonly (string Ending, ExportFormat Format)[] Endings =
    [
        (".pt", ExportFormat.Pytorch),
        (".pth", ExportFormat.Pytorch),
        (".safetensors", ExportFormat.Safetensors),
        (".parquet", ExportFormat.Parquet),
        (".csv", ExportFormat.Csv),
    ];

    /// <summary>The format that a file's name stands for.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ConfigurationException">It stands for none.</exception>
    public static ExportFormat FormatOf(string path)
    {
        var ending = Path.GetExtension(path);
        foreach (var known in Endings)
        {
            if (known.Ending.Equals(ending, StringComparison.OrdinalIgnoreCase))
            {
                return known.Format;
            }
        }

        throw new ConfigurationException(
            $"{path}: its ending does not say which format is wanted; {string.Join(", ", Endings.Select(known => known.Ending))} do, "
            + "and --to does for any file.");
    }

    /// <summary>Writes a run's weights, or the numbers of its training.</summary>
    /// <param name="source">Where the run is read from.</param>
    /// <param name="run">The run.</param>
    /// <param name="path">
    /// The file; of <see cref="ExportFormat.Tensorboard"/> the folder that TensorBoard is started with.
    /// </param>
    /// <param name="format">The format.</param>
    /// <param name="best">Whether the weights that scored best during training are wanted, not the last ones.</param>
    /// <param name="replace">Whether older files are replaced.</param>
    /// <returns>The files that were written.</returns>
    /// <exception cref="ConfigurationException">A file is there already, or <paramref name="best"/> does not go with the format.</exception>
    /// <exception cref="CheckpointException">The run has no such checkpoint, or it is damaged.</exception>
    /// <exception cref="RunException">
    /// The run has no metrics, its weights lie on another machine, or a file cannot be written.
    /// </exception>
    public static IReadOnlyList<string> Write(
        IRunSource source, KnownRun run, string path, ExportFormat format, bool best, bool replace)
    {
        var holdsWeights = format is ExportFormat.Pytorch or ExportFormat.Safetensors;
        if (best && !holdsWeights)
        {
            throw new ConfigurationException(
                $"--best: is not allowed with '{format.ToString().ToLowerInvariant()}', which holds no weights; 'pytorch' and 'safetensors' do.");
        }

        string[] files = format switch
        {
            ExportFormat.Tensorboard => [RunScalars.FileOf(path, run.Record)],
            ExportFormat.Parquet or ExportFormat.Csv => [path, RunTables.EvaluationsBeside(path)],
            _ => [path],
        };
        if (!replace && files.FirstOrDefault(Path.Exists) is { } taken)
        {
            throw new ConfigurationException($"{taken}: is there already; --force replaces it.");
        }

        MakeFolderOf(files[0]);
        if (holdsWeights)
        {
            RunWeights.Export(run.RequiredDirectory, best, path, format);
        }
        else if (format == ExportFormat.Tensorboard)
        {
            RunScalars.Export(RunNumbers.Of(source, run.Record), files[0]);
        }
        else
        {
            RunTables.Export(RunNumbers.Of(source, run.Record), path, format);
        }

        return files;
    }

    private static void MakeFolderOf(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{path}: its folder cannot be made ({fault.Message.TrimEnd('.')}).", fault);
        }
    }
}
