using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NtmLab.Configuration;
using NtmLab.Runs;
using NtmLab.Training;

namespace NtmLab.Dashboard;

/// <summary>What the page asks for: lists and single runs as JSON, files of runs, and streams of what is new.</summary>
internal sealed class RunApi(
    IRunSource source, Func<IReadOnlyList<RunRecord>, object> compare, CancellationToken stopping)
{
    private const int CurveRows = 800;
    private const int MostCompared = 64;
    private static readonly TimeSpan Often = TimeSpan.FromSeconds(1);
    private static readonly JsonSerializerOptions OneLine = new(ConfigurationJson.Options) { WriteIndented = false };

    /// <summary>How answers are written.</summary>
    /// <param name="options">The options to set.</param>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.TypeInfoResolverChain.Add(new DefaultJsonTypeInfoResolver());
    }

    /// <summary>Adds all addresses.</summary>
    /// <param name="routes">Where they are added.</param>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/runs", () => source.List().Select(Summary));
        routes.MapGet("/api/runs/{id}", (string id) => Of(id, Detail));
        routes.MapGet("/api/runs/{id}/curve", (string id) => Of(id, run => Columns(source.Curve(run.Record.Id, CurveRows))));
        routes.MapGet("/api/runs/{id}/evaluations", (string id) => Of(id, run => source.Evaluations(run.Record.Id)));
        routes.MapGet("/api/runs/{id}/live", Live);
        routes.MapGet("/api/runs/{id}/files/{kind}/{name}", (string id, string kind, string name) => Of(id, run => File(run, kind, name)));
        routes.MapGet("/api/compare", Compare);
    }

    private static object Summary(KnownRun run)
    {
        var record = run.Record;
        var last = record.Evaluation.Count > 0 ? record.Evaluation[^1] : null;
        return new
        {
            record.Id,
            record.Name,
            Status = Words(record.Status),
            record.Model,
            record.Task,
            record.Seed,
            record.Parameters,
            record.Sequences,
            record.Seconds,
            record.SolvedAtSequences,
            record.Started,
            record.ScoreName,
            Length = last?.Length,
            Score = last?.Score,
        };
    }

    private static string Words(RunStatus status) => status.ToString().ToLowerInvariant();

    /// <summary>Rows as columns, which is half as long.</summary>
    private static object Columns(IReadOnlyList<BatchReport> rows) => new
    {
        Batch = rows.Select(row => row.Batch),
        Sequences = rows.Select(row => row.Sequences),
        Length = rows.Select(row => row.Length),
        Loss = rows.Select(row => row.Loss),
        Score = rows.Select(row => row.Score),
        WindowScore = rows.Select(row => row.WindowScore),
        Seconds = rows.Select(row => row.Seconds),
    };

    private static string FileName(string path) => Path.GetFileName(path);

    /// <summary>The files of a run that may be asked for, by kind.</summary>
    private static IReadOnlyList<string> Files(KnownRun run, string kind)
    {
        var (folder, endings) = kind switch
        {
            "pictures" => ("pictures", new[] { ".png", ".svg" }),
            "traces" => ("traces", [".safetensors"]),
            _ => ("", []),
        };
        var directory = run.Directory is null || folder.Length == 0 ? null : Path.Combine(run.Directory, folder);
        return directory is not null && Directory.Exists(directory)
            ? [.. Directory.EnumerateFiles(directory).Where(path => endings.Contains(Path.GetExtension(path))).Order(StringComparer.Ordinal)]
            : [];
    }

    private static IResult File(KnownRun run, string kind, string name) =>
        Files(run, kind).FirstOrDefault(path => FileName(path) == name) is { } path
            ? Results.File(path, PageFiles.TypeOf(path) ?? "application/octet-stream")
            : Missing($"the run '{run.Record.Id}' has no such file");

    private static IResult Missing(string sentence) =>
        Results.Json(new { error = $"{sentence}." }, statusCode: StatusCodes.Status404NotFound);

    /// <summary>Sends one event of a stream.</summary>
    private static async Task Send(HttpResponse response, string kind, object content, CancellationToken cancellation)
    {
        var text = JsonSerializer.Serialize(content, OneLine);
        await response.WriteAsync($"event: {kind}\ndata: {text}\n\n", cancellation);
        await response.Body.FlushAsync(cancellation);
    }

    private IResult Of(string id, Func<KnownRun, object> answer) => source.Find(id) is { } run
        ? answer(run) is var content && content is IResult result ? result : Results.Json(content)
        : Missing("there is no such run");

    private object Detail(KnownRun run)
    {
        var report = run.Record.Report(run.Directory);
        report["name"] = run.Record.Name;
        report["scoreName"] = run.Record.ScoreName;
        report["lossName"] = run.Record.LossName;
        report["started"] = run.Record.Started;
        report["updated"] = run.Record.Updated;
        report["fault"] = run.Record.Fault;
        report["codeVersion"] = run.Record.CodeVersion;
        report["machine"] = JsonSerializer.SerializeToNode(run.Record.Machine, ConfigurationJson.Options);
        report["configuration"] = run.Record.Configuration.DeepClone();
        report["script"] = source.Script(run.Record.Id);
        report["scores"] = new JsonArray([.. run.Record.Evaluation.Select(score => new JsonObject
        {
            ["length"] = score.Length,
            ["score"] = score.Score,
            ["perfectFraction"] = score.PerfectFraction,
            ["slotsUsed"] = score.SlotsUsed,
        })]);
        foreach (var kind in new[] { "pictures", "traces" })
        {
            report[kind] = new JsonArray([.. Files(run, kind).Select(path => JsonValue.Create(FileName(path)))]);
        }

        return report;
    }

    /// <summary>
    /// A stream of server-sent events: <c>rows</c> with what is new of the metrics since the batch <c>after</c>, and <c>status</c> when
    /// it changes, until the run has ended.
    /// </summary>
    private async Task Live(HttpContext context, string id, long after = 0)
    {
        if (source.Find(id) is not { } run)
        {
            await RequestGuard.Refuse(context, StatusCodes.Status404NotFound, "there is no such run");
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        context.Response.ContentType = "text/event-stream";
        // A browser that lost the stream says how far it came.
        if (long.TryParse(context.Request.Headers["Last-Event-ID"], CultureInfo.InvariantCulture, out var last))
        {
            after = Math.Max(after, last);
        }

        RunStatus? told = null;
        try
        {
            while (!ended.IsCancellationRequested)
            {
                // The status first: what is written before the end is read after it was told.
                var status = source.Find(id)?.Record.Status ?? RunStatus.Failed;
                var rows = source.Metrics(run.Record.Id, after);
                if (rows.Count > 0)
                {
                    after = rows[^1].Batch;
                    await context.Response.WriteAsync($"id: {after}\n", ended.Token);
                    await Send(context.Response, "rows", Columns(LearningCurve.Of(rows, CurveRows)), ended.Token);
                }

                if (status != told)
                {
                    told = status;
                    await Send(context.Response, "status", new { status = Words(status) }, ended.Token);
                }

                if (status != RunStatus.Running)
                {
                    break;
                }

                await Task.Delay(Often, ended.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader left, or the server ends.
        }
    }

    private IResult Compare(string runs = "")
    {
        var ids = runs.Split(',', StringSplitOptions.RemoveEmptyEntries).Distinct().ToArray();
        if (ids.Length is 0 or > MostCompared)
        {
            return Results.Json(
                new { error = $"1 to {MostCompared} runs are compared, not {ids.Length}." }, statusCode: StatusCodes.Status400BadRequest);
        }

        var found = new List<RunRecord>();
        foreach (var id in ids)
        {
            if (source.Find(id) is not { } run)
            {
                return Missing("one of the runs is not there");
            }

            found.Add(run.Record);
        }

        return Results.Text(
            JsonSerializer.Serialize(compare(found), ConfigurationJson.Options), "application/json; charset=utf-8");
    }
}
