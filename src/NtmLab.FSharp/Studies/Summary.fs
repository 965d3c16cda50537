/// The chapters of a study as one page of Markdown with its figures, to be read where no PDF is at hand.
[<RequireQualifiedAccess>]
module NtmLab.Summary

open System
open System.IO

/// The name of the page.
let page: string = "results.md"

/// A cell of a table, in which a bar would end it.
let private cell (text: string) : string = text.Replace("|", "\\|")

let private row (cells: string list) : string =
    let cells = cells |> List.map cell |> String.concat " | "
    $"| {cells} |"

let private table (headings: string list) (rows: string list list) : string list = [
    row headings
    row [ for index in 0 .. headings.Length - 1 -> if index = 0 then "---" else "---:" ]
    for cells in rows do
        row cells
]

let private claims (chapters: Report.Published list) : string list =
    let rows = [
        for number, claim in List.indexed (Paper.claimsOf chapters) ->
            $"| {number + 1} | {cell claim.Claim} | {Paper.verdict claim.Verdict} | {cell claim.Evidence} |"
    ]

    [ "| | claim | verdict | evidence |"; "|---:|---|---|---|" ] @ rows

let private chapter (published: Report.Published) : string list =
    let source = published.Source

    let facts = [
        if not source.Runs.IsEmpty then
            $"{source.Runs.Length} runs"
        if source.Findings > 0 then
            $"{source.Findings} findings"
        if not source.CodeVersions.IsEmpty then
            "code " + String.Join(", ", List.map Paper.shortVersion source.CodeVersions)
        for machine in source.Machines do
            machine
    ]

    [
        $"## {published.Chapter.Name}"
        ""
        String.Join("; ", facts)
        for figure in published.Chapter.Figures do
            ""
            $"![{figure.Name}]({figure.Name}.png)"
            ""
            $"*{figure.Caption}*"
        for shown in published.Chapter.Tables do
            ""
            $"*{shown.Caption}*"
            ""
            yield! table shown.Headings shown.Rows
        ""
    ]

/// What the page says, which has the figures beside it.
/// <param name="chapters">The chapters in their order.</param>
let text (chapters: Report.Published list) : string =
    let budget = chapters |> List.map (_.Source.Budget >> Paper.nameOf) |> List.head

    [
        $"# The memory-length study, {budget} budget"
        ""
        $"Written by `./ntmlab paper --budget {budget} --publish`. Records of the runs are in `../runs.jsonl`, findings in `../findings.jsonl`."
        ""
        yield! claims chapters
        ""
        yield! List.collect chapter chapters
    ]
    |> String.concat "\n"

/// Writes the page and its figures into a folder of their own, in place of what was there.
/// <param name="generated">Where figures lie that were drawn for the paper.</param>
/// <param name="folder">The folder.</param>
/// <param name="chapters">The chapters in their order.</param>
let publish (generated: string) (folder: string) (chapters: Report.Published list) : unit =
    if Directory.Exists folder then
        Directory.Delete(folder, true)

    Directory.CreateDirectory folder |> ignore

    for chapter in chapters do
        for figure in chapter.Chapter.Figures do
            let file = figure.Name + ".png"
            File.Copy(Path.Combine(generated, file), Path.Combine(folder, file))

    File.WriteAllText(Path.Combine(folder, page), text chapters)
