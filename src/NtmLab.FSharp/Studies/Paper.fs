/// The paper on a study: the chapters of its report as files of LaTeX, held against what the text refers to.
[<RequireQualifiedAccess>]
module NtmLab.Paper

open System
open System.IO
open System.Text
open System.Text.RegularExpressions
open NtmLab

let private fault (sentence: string) : 'T = raise (PaperException sentence)

/// The name of a budget, as commands and folders have it.
let nameOf (budget: StudyBudget) : string = (string budget).ToLowerInvariant()

/// The budget of the study that was reported last beside a folder of runs; none if no study was.
let lastBudget (runs: string) : StudyBudget option =
    [
        for budget in Enum.GetValues<StudyBudget>() do
            let folder = Path.Combine(runs, "report", nameOf budget)

            if Directory.Exists folder then
                for file in Directory.EnumerateFiles(folder, "*.json") ->
                    budget, File.GetLastWriteTimeUtc file
    ]
    |> function
        | [] -> None
        | reports -> Some(fst (List.maxBy snd reports))

/// The chapters that were published in a folder, in the order in which they are asked for.
/// <exception cref="T:NtmLab.PaperException">One of them was not.</exception>
let read (folder: string) (names: string list) : Report.Published list = [
    for name in names ->
        match Report.read folder name with
        | Some published -> published
        | None ->
            fault $"{folder}: the chapter '{name}' is missing; its script publishes it under this very name."
]

/// A verdict in words.
let verdict (verdict: Report.Verdict) : string =
    match verdict with
    | Report.Verdict.Holds -> "holds"
    | Report.Verdict.HoldsInPart -> "holds in part"
    | Report.Verdict.Refuted -> "refuted"
    | _ -> "open"

/// All claims in the order of their places.
/// <exception cref="T:NtmLab.PaperException">Two stand at one place.</exception>
let claimsOf (chapters: Report.Published list) : Report.Claim list =
    let claims = chapters |> List.collect _.Chapter.Claims |> List.sortBy _.Place

    for first, second in List.pairwise claims do
        if first.Place = second.Place then
            fault
                $"two claims stand at place {first.Place}: '{first.Claim.TrimEnd '.'}' and '{second.Claim.TrimEnd '.'}'."

    claims

let private distinct (part: Report.Source -> 'T list) (chapters: Report.Published list) : 'T list =
    chapters
    |> List.collect (fun chapter -> part chapter.Source)
    |> List.distinct
    |> List.sort

let private budgetsOf (chapters: Report.Published list) : string =
    String.Join(", ", chapters |> List.map (_.Source.Budget >> nameOf) |> List.distinct)

/// Every number and sentence that a text may refer to: those of the chapters with the captions of their figures and tables, of the
/// claims, and of the study as a whole.
let private numbersOf (chapters: Report.Published list) : (string * string) list = [
    for chapter in chapters do
        for name, value in chapter.Chapter.Numbers do
            $"{chapter.Chapter.Name}/{name}", value

        for figure in chapter.Chapter.Figures do
            $"figure/{figure.Name}", figure.Caption

        for table in chapter.Chapter.Tables do
            $"table/{table.Name}", table.Caption

        $"study/{chapter.Chapter.Name}/runs", string chapter.Source.Runs.Length

    for row, claim in List.indexed (claimsOf chapters) do
        $"claims/{claim.Place}/row", string (row + 1)
        $"claims/{claim.Place}/verdict", verdict claim.Verdict
        $"claims/{claim.Place}/evidence", claim.Evidence

    "study/budget", budgetsOf chapters
    "study/runs", string (distinct _.Runs chapters).Length
    "study/machines", String.Join("; ", distinct _.Machines chapters)
]

let private setNumber (name: string, value: string) : string =
    if not (Regex.IsMatch(name, @"^[A-Za-z0-9/.\-]+$")) then
        fault $"a number of the study is named '{name}'; letters, digits, '-', '.' and '/' are accepted."

    $@"\setval{{{name}}}{{{Latex.escape value}}}" + "\n"

let private claimsTable (claims: Report.Claim list) : string =
    let text = StringBuilder()

    text.Append(
        @"\begin{tabularx}{\linewidth}{@{}r>{\raggedright\arraybackslash\hsize=0.75\hsize}X"
        + @"l>{\raggedright\arraybackslash\hsize=1.25\hsize}X@{}}"
        + "\n"
        + @"\toprule"
        + "\n"
        + @"& Claim & Verdict & Evidence \\"
        + "\n"
    )
    |> ignore

    for row, claim in List.indexed claims do
        text.Append(
            if row = 0 then
                @"\midrule" + "\n"
            else
                @"\addlinespace" + "\n"
        )
        |> ignore

        text.Append(
            $@"{row + 1} & {Latex.escape claim.Claim} & {verdict claim.Verdict} & {Latex.escape claim.Evidence} \\"
            + "\n"
        )
        |> ignore

    text.Append(@"\bottomrule" + "\n" + @"\end{tabularx}" + "\n").ToString()

/// Numbers as stretches: `1--3, 101`.
let private stretches (numbers: uint64 list) : string =
    let folder (found: (uint64 * uint64) list) (number: uint64) =
        match found with
        | (first, last) :: rest when number = last + 1UL -> (first, number) :: rest
        | _ -> (number, number) :: found

    numbers
    |> List.distinct
    |> List.sort
    |> List.fold folder []
    |> List.rev
    |> List.map (fun (first, last) -> if first = last then string first else $"{first}--{last}")
    |> String.concat ", "

/// Runs of one experiment: its name and its seeds. A run's number is said only where it is not the first of its seed.
let private seedsByName (runs: string list) : (string * string) list =
    let parts =
        runs
        |> List.map (fun id ->
            let found = Regex.Match(id, @"^(.+)-seed(\d+)-(\d+)$")

            if found.Success then
                found.Groups[1].Value, Some(UInt64.Parse found.Groups[2].Value, found.Groups[3].Value)
            else
                id, None)

    [
        for name, group in List.groupBy fst parts do
            let seeds = List.choose snd group
            let first = seeds |> List.filter (fun (_, number) -> number = "001") |> List.map fst

            let others = [
                for seed, number in seeds do
                    if number <> "001" then
                        $"{seed} ({number})"
            ]

            name, String.Join(", ", (if first.IsEmpty then [] else [ stretches first ]) @ others)
    ]

/// A name by its parts: the first two, the last, and what stands between.
let private parts (name: string) : string list =
    match List.ofArray (name.Split '-') with
    | first :: second :: rest when rest.Length > 1 -> [
        first
        second
        String.Join("-", List.take (rest.Length - 1) rest)
        List.last rest
      ]
    | few -> few

/// Names that differ in one part alone put together, as a shell would take them apart: `lag-needle-{gru, lstm}-{100, 300}`.
let private joined (names: string list) : string =
    // The alternatives of every part.
    let joinAt (position: int) (patterns: string list list list) =
        let long, short = patterns |> List.partition (fun pattern -> pattern.Length > position)

        let together = [
            for _, group in List.groupBy (List.removeAt position) long ->
                group.Head
                |> List.updateAt position (group |> List.collect (List.item position) |> List.distinct)
        ]

        short @ together

    let alternatives (values: string list) =
        match List.sortBy (fun (value: string) -> value.Length, value) values with
        | [ one ] -> Latex.escape one
        | several -> @"\{" + (several |> List.map Latex.escape |> String.concat ", ") + @"\}"

    ([ for name in names -> [ for part in parts name -> [ part ] ] ], [ 3; 2; 1; 0 ])
    ||> List.fold (fun patterns position -> joinAt position patterns)
    |> List.map (List.map alternatives >> String.concat "-")
    |> List.sort
    |> String.concat "; "

/// The same by seeds: `1--3: lag-needle-lstm-{100, 300}`.
let private namesBySeeds (runs: string list) : string list =
    seedsByName runs
    |> List.groupBy snd
    |> List.sortBy fst
    |> List.map (fun (seeds, group) ->
        let names = joined (List.map fst group)
        if seeds = "" then names else $@"\emph{{{seeds}}}: {names}")

/// A version of the code with the beginning of its commit, which tells it from all others.
let shortVersion (version: string) : string = Regex.Replace(version, @"\+([0-9a-f]{10})[0-9a-f]+", "+$1")

/// Where each chapter comes from. Budget, code versions and machines are told before them, the latter with numbers that chapters name
/// them by.
let private provenance (chapters: Report.Published list) : string =
    let text = StringBuilder()

    let paragraph (heading: string) (parts: string list) =
        text
            .Append($@"\noindent\textbf{{{heading}}}\enspace" + "\n")
            .Append(String.Join(";\n", parts))
            .Append(".\n\n")
        |> ignore

    let versions, machines = distinct _.CodeVersions chapters, distinct _.Machines chapters

    let numbered (what: string) (print: string -> string) (all: string list) =
        if not all.IsEmpty then
            paragraph what [ for index, one in List.indexed all -> $"({index + 1}) {print one}" ]

    let named (what: string) (all: string list) (some: string list) = [
        if not some.IsEmpty then
            let numbers = [ for one in some -> uint64 (List.findIndex ((=) one) all + 1) ]
            $"{what}: {stretches numbers}"
    ]

    paragraph "budget" [ budgetsOf chapters ]
    numbered "code" (shortVersion >> Latex.breakable) versions
    numbered "machines" Latex.escape machines

    for chapter in chapters do
        let source = chapter.Source

        paragraph (Latex.escape chapter.Chapter.Name) [
            $"runs: {source.Runs.Length}"
            if source.Findings > 0 then
                $"findings: {source.Findings}"
            if not source.Seeds.IsEmpty then
                $"seeds: {stretches source.Seeds}"
            yield! named "code" versions source.CodeVersions
            yield! named "machines" machines source.Machines
            yield! namesBySeeds source.Runs
        ]

    text.ToString()

/// Writes what the text takes in: `numbers.tex`, `claims.tex`, `provenance.tex`, and a file for each table.
/// <exception cref="T:NtmLab.PaperException">Chapters do not fit each other, or cannot be printed.</exception>
let write (folder: string) (chapters: Report.Published list) : unit =
    Directory.CreateDirectory folder |> ignore

    let files = [
        "numbers", numbersOf chapters |> List.map setNumber |> String.concat ""
        "claims", claimsTable (claimsOf chapters)
        "provenance", provenance chapters
        for chapter in chapters do
            for table in chapter.Chapter.Tables do
                table.Name, Latex.tabular table
    ]

    for name, count in List.countBy fst files do
        if count > 1 then
            fault $"{count} tables of the study are named '{name}'; each needs a name of its own."

    for name, text in files do
        File.WriteAllText(Path.Combine(folder, name + ".tex"), text)

let private definedIn (numbers: string) : Set<string> =
    if File.Exists numbers then
        set [
            for found in
                Regex.Matches(File.ReadAllText numbers, @"^\\setval\{([^}]*)\}", RegexOptions.Multiline) ->
                found.Groups[1].Value
        ]
    else
        Set.empty

/// What the texts of a paper refer to and what is not there: numbers, tables and figures, each as the text names it.
let missing (paper: string) : string list =
    let generated = Path.Combine(paper, "generated")
    let defined = definedIn (Path.Combine(generated, "numbers.tex"))

    let file (name: string) (ending: string) =
        File.Exists(Path.Combine(generated, name))
        || File.Exists(Path.Combine(generated, name + ending))

    [
        for text in Directory.EnumerateFiles(paper, "*.tex") |> Seq.sort do
            // What a comment says is not referred to.
            let text = Regex.Replace(File.ReadAllText text, @"(?<!\\)%.*", "")

            for found in Regex.Matches(text, @"\\val\{([^}#]*)\}") do
                let name = found.Groups[1].Value

                if not (defined.Contains name) then
                    $"the number '{name}'"

            for found in Regex.Matches(text, @"\\input\{generated/([^}#]*)\}") do
                let name = found.Groups[1].Value

                if not (file name ".tex") then
                    $"the table '{name}'"

            for found in Regex.Matches(text, @"\\includegraphics(?:\[[^\]]*\])?\{generated/([^}#]*)\}") do
                let name = found.Groups[1].Value

                if not (file name ".pdf") then
                    $"the figure '{name}'"
    ]
    |> List.distinct

/// Requires all that the texts of a paper refer to.
/// <exception cref="T:NtmLab.PaperException">Something is not there.</exception>
let require (paper: string) : unit =
    match missing paper with
    | [] -> ()
    | missing ->
        let list = String.Join(", ", missing)
        fault $"{paper}: the text refers to what the study does not have: {list}."
