using System.Text.Json.Nodes;
using NtmLab.Interchange;
using NtmLab.Training;

namespace NtmLab.Runs;

/// <summary>What is kept of a run beside its metrics, checkpoints and pictures; the content of <c>run.json</c>.</summary>
public sealed record RunRecord
{
    /// <summary>The run's id: the name of its folder.</summary>
    public required string Id { get; init; }

    /// <summary>How it stands.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>The experiment's name.</summary>
    public required string Name { get; init; }

    /// <summary>The name in the script, where <c>--set name=...</c> gave the run another one; else null.</summary>
    public string? NameInScript { get; init; }

    /// <summary>The task's name.</summary>
    public required string Task { get; init; }

    /// <summary>The name of the task's score, e.g. <c>wrong bits</c>.</summary>
    public required string ScoreName { get; init; }

    /// <summary>What the loss counts.</summary>
    public string LossName { get; init; } = "bits a sequence";

    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The model's trained values.</summary>
    public required long Parameters { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The engine that computes: reference or fused.</summary>
    public required string Engine { get; init; }

    /// <summary>When the run was made.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When this record was last written.</summary>
    public required DateTimeOffset Updated { get; init; }

    /// <summary>The version of NtmLab with the commit it was built from.</summary>
    public required string CodeVersion { get; init; }

    /// <summary>The machine it ran on.</summary>
    public required MachineRecord Machine { get; init; }

    /// <summary>
    /// Where the script lay; its text is kept as <c>script.fsx</c>. Empty, as that file is, where a program or a notebook made the run.
    /// </summary>
    public required string Script { get; init; }

    /// <summary>The resolved configuration.</summary>
    public required JsonObject Configuration { get; init; }

    /// <summary>Sequences trained.</summary>
    public long Sequences { get; init; }

    /// <summary>Seconds spent in training.</summary>
    public double Seconds { get; init; }

    /// <summary>Batches that moved no parameter, since their gradient was not finite.</summary>
    public long SkippedBatches { get; init; }

    /// <summary>Sequences trained when the task first counted as solved; null if it did not.</summary>
    public long? SolvedAtSequences { get; init; }

    /// <summary>Seconds spent in training when the task first counted as solved; null if it did not.</summary>
    public double? SolvedAtSeconds { get; init; }

    /// <summary>The final scores by length; empty before the end.</summary>
    public IReadOnlyList<LengthScore> Evaluation { get; init; } = [];

    /// <summary>Why the run failed, if it did.</summary>
    public string? Fault { get; init; }

    /// <summary>Where the model's weights come from, where they were imported; null where they were trained.</summary>
    public ImportRecord? Imported { get; init; }

    /// <summary>The record with another status; what made an earlier attempt fail is forgotten.</summary>
    public RunRecord WithStatus(RunStatus status) => this with { Status = status, Fault = null };

    /// <summary>The record of a failed run.</summary>
    /// <param name="fault">Why it failed, in one sentence.</param>
    public RunRecord WithFault(string fault) => this with { Status = RunStatus.Failed, Fault = fault };

    /// <summary>The record with another place of the script.</summary>
    public RunRecord WithScript(string script) => this with { Script = script };

    /// <summary>The record with the progress of a trainer.</summary>
    public RunRecord WithProgress(TrainerState state) => this with
    {
        Sequences = state.Sequences,
        Seconds = state.Seconds,
        SkippedBatches = state.Skipped,
        SolvedAtSequences = state.SolvedAtSequences,
        SolvedAtSeconds = state.SolvedAtSeconds,
    };

    /// <summary>The record with its final scores by length.</summary>
    public RunRecord WithEvaluation(IReadOnlyList<LengthScore> scores) => this with { Evaluation = scores };

    /// <summary>The run as the command line reports it with <c>--json</c>.</summary>
    /// <param name="directory">The run's folder; null where that lies on another machine.</param>
    public JsonObject Report(string? directory) => new()
    {
        ["run"] = Id,
        ["directory"] = directory,
        ["status"] = Status.ToString().ToLowerInvariant(),
        ["task"] = Task,
        ["model"] = Model,
        ["parameters"] = Parameters,
        ["seed"] = Seed,
        ["engine"] = Engine,
        ["sequences"] = Sequences,
        ["seconds"] = Math.Round(Seconds, 3),
        ["skippedBatches"] = SkippedBatches,
        ["importedFrom"] = Imported?.File,
        ["solved"] = SolvedAtSequences is not null,
        ["solvedAtSequences"] = SolvedAtSequences,
        ["solvedAtSeconds"] = SolvedAtSeconds is { } seconds ? Math.Round(seconds, 3) : null,
        ["evaluation"] = new JsonArray(
            [.. Evaluation.Select(ReportScore)]),
    };

    private JsonObject ReportScore(LengthScore score)
    {
        var report = new JsonObject
        {
            ["length"] = score.Length,
            [ScoreKey()] = score.Score,
            ["perfectFraction"] = score.PerfectFraction,
        };
        if (score.SlotsUsed is { } slots)
        {
            report["slotsUsed"] = slots;
        }

        return report;
    }

    private string ScoreKey()
    {
        var words = ScoreName.Split(' ');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}

/// <summary>How a run stands.</summary>
public enum RunStatus
{
    /// <summary>It is being trained, or its process died.</summary>
    Running,

    /// <summary>It was asked to stop and can be resumed.</summary>
    Interrupted,

    /// <summary>It cannot go on as it is.</summary>
    Failed,

    /// <summary>It reached its end.</summary>
    Finished,
}

/// <summary>The machine of a run.</summary>
/// <param name="System">The operating system.</param>
/// <param name="Processor">Cores and vector width.</param>
/// <param name="Runtime">The .NET runtime.</param>
/// <param name="LibTorch">The version of libtorch.</param>
/// <param name="Threads">Threads for arithmetic.</param>
public sealed record MachineRecord(string System, string Processor, string Runtime, string LibTorch, int Threads);
