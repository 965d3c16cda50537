module NtmLab.Tests.FSharp.PaperTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open NtmLab
open NtmLab.Tests

let private claim (place: int) (text: string) (verdict: Report.Verdict) : Report.Claim = {
    Place = place
    Claim = text
    Verdict = verdict
    Evidence = "300 steps"
}

let private source: Report.Source = {
    Runs = []
    Findings = 3
    Seeds = []
    CodeVersions = [ "0.1.0" ]
    Machines = [ "2 x X64" ]
    Budget = StudyBudget.Quick
}

let private chapter (name: string) : Report.Published = {
    Chapter = { Name = name; Numbers = []; Figures = []; Tables = []; Claims = [] }
    Source = source
}

let private withNumbers numbers (published: Report.Published) = {
    published with
        Report.Chapter.Numbers = numbers
}

let private withTables names (published: Report.Published) = {
    published with
        Report.Chapter.Tables = [
            for name in names ->
                {
                    Name = name
                    Caption = "Steps, by model."
                    Headings = [ "model" ]
                    Rows = [ [ "lstm" ] ]
                }
        ]
}

let private withFigures names (published: Report.Published) = {
    published with
        Report.Chapter.Figures = [ for name in names -> { Name = name; Caption = "Share against lag." } ]
}

let private withClaims claims (published: Report.Published) = {
    published with
        Report.Chapter.Claims = claims
}

let private withRuns runs (published: Report.Published) = { published with Report.Source.Runs = runs }

/// What is written of chapters into a file of this name.
let private written (name: string) (chapters: Report.Published list) : string =
    use folder = new Scratch.Folder()
    Paper.write folder.Path chapters
    File.ReadAllText(folder.File(name + ".tex"))

/// A paper with this text, of a study of one number and one table.
let private paper (folder: Scratch.Folder) (text: string) : string =
    Directory.CreateDirectory(folder.File "generated") |> ignore
    File.WriteAllText(folder.File "paper.tex", text)

    Paper.write (folder.File "generated") [
        chapter "memory-length"
        |> withNumbers [ "short", "300" ]
        |> withTables [ "reach" ]
    ]

    File.WriteAllText(folder.File "generated/accuracy.pdf", "")
    folder.Path

let private files =
    testList "files" [
        test "every number has a name of its chapter, and the study has some of its own" {
            let numbers =
                written "numbers" [
                    chapter "memory-length"
                    |> withNumbers [ "reach-needle-lstm", "at least 30000" ]
                    |> withTables [ "reach" ]
                    |> withFigures [ "short" ]
                    |> withRuns [ "a-seed1-001"; "a-seed2-001" ]
                    chapter "cost" |> withRuns [ "a-seed1-001" ]
                ]

            for line in
                [
                    @"\setval{memory-length/reach-needle-lstm}{at least 30\,000}"
                    @"\setval{table/reach}{Steps, by model.}"
                    @"\setval{figure/short}{Share against lag.}"
                    @"\setval{study/memory-length/runs}{2}"
                    @"\setval{study/runs}{2}"
                    @"\setval{study/budget}{quick}"
                ] do
                Expect.stringContains numbers (line + "\n") "one line a number"
        }

        test "claims stand in the order of their places, whatever chapter they are of" {
            let chapters = [
                chapter "cost" |> withClaims [ claim 30 "Cells are slow." Report.Verdict.Open ]
                chapter "saving"
                |> withClaims [
                    claim 20 "Less is enough." Report.Verdict.HoldsInPart
                    claim 10 "100 % is too much." Report.Verdict.Refuted
                ]
            ]

            let rows = [
                for row in Regex.Matches(written "claims" chapters, @"^\d.*$", RegexOptions.Multiline) ->
                    row.Value
            ]

            Expect.equal
                rows
                [
                    @"1 & 100\,\% is too much. & refuted & 300 steps \\"
                    @"2 & Less is enough. & holds in part & 300 steps \\"
                    @"3 & Cells are slow. & open & 300 steps \\"
                ]
                "numbered from 1"

            let numbers = written "numbers" chapters
            Expect.stringContains numbers @"\setval{claims/20/row}{2}" "texts find a claim by its place"
            Expect.stringContains numbers @"\setval{claims/20/verdict}{holds in part}" "and what became of it"
        }

        test "a table is a file of its name" {
            Expect.stringContains
                (written "reach" [ chapter "cost" |> withTables [ "reach" ] ])
                "lstm"
                "its rows"
        }

        test "a page of Markdown has verdicts, figures and tables, and says where they come from" {
            use folder = new Scratch.Folder()
            let generated, page = folder.File "generated", folder.File "quick"
            Directory.CreateDirectory generated |> ignore
            Directory.CreateDirectory page |> ignore
            File.WriteAllText(Path.Combine(generated, "short.png"), "a figure")
            File.WriteAllText(Path.Combine(page, "old.png"), "of an earlier study")

            [
                chapter "memory-length"
                |> withTables [ "reach" ]
                |> withFigures [ "short" ]
                |> withClaims [ claim 10 "LSTM | GRU forget." Report.Verdict.HoldsInPart ]
            ]
            |> Summary.publish generated page

            let text = File.ReadAllText(Path.Combine(page, Summary.page))

            for part in
                [
                    "The memory-length study, quick budget"
                    @"| 1 | LSTM \| GRU forget. | holds in part | 300 steps |"
                    "![short](short.png)\n\n*Share against lag.*"
                    "3 findings; code 0.1.0; 2 x X64"
                    "*Steps, by model.*\n\n| model |"
                    "| lstm |"
                ] do
                Expect.stringContains text part "the page"

            Expect.isTrue (File.Exists(Path.Combine(page, "short.png"))) "the figure is beside it"
            Expect.isFalse (File.Exists(Path.Combine(page, "old.png"))) "nothing old is left"
        }

        test "runs are told by names and seeds" {
            let runs = [
                for lag in [ 1000; 100; 300 ] do
                    for seed in 1..3 -> $"lag-lstm-{lag}-seed{seed}-001"
            ]

            let text =
                written "provenance" [
                    chapter "memory-length"
                    |> withRuns (
                        runs
                        @ [ "lag-ntm-100-seed1-001"; "lag-ntm-100-seed7-002"; "odd" ]
                        @ [
                            for rate in [ "rate0"; "rate1" ] do
                                for lag in [ 100; 300 ] -> $"{rate}-ntm-{lag}-seed101-001"
                        ]
                    )
                ]

            Expect.stringContains text "runs: 16" "how many"
            Expect.stringContains text "findings: 3" "and what was measured beside them"
            Expect.stringContains text @"\emph{1--3}: lag-lstm-\{100, 300, 1000\}" "stretches of seeds"
            Expect.stringContains text @"\emph{1, 7 (002)}: lag-ntm-100" "the second run of a seed says so"

            Expect.stringContains
                text
                @"\emph{101}: \{rate0, rate1\}-ntm-\{100, 300\}"
                "names that differ in two parts"

            Expect.stringContains text "odd" "a name without a seed"
            Expect.stringContains text "\\textbf{budget}\\enspace\nquick." "how much of the study"
            Expect.stringContains text "(1) 0.1.0" "the code, told once"
            Expect.stringContains text "code: 1" "and named by its number"
            Expect.stringContains text "(1) 2 x X64" "where it was made"
            Expect.stringContains text "machines: 1" "by its number as well"
        }

        for what, chapters, words in
            [
                "two claims at one place",
                [
                    chapter "cost"
                    |> withClaims [ claim 10 "A." Report.Verdict.Open; claim 10 "B." Report.Verdict.Open ]
                ],
                [ "place 10"; "'A'"; "'B'" ]
                "two tables of one name",
                [ chapter "cost" |> withTables [ "reach" ]; chapter "saving" |> withTables [ "reach" ] ],
                [ "2"; "'reach'" ]
                "a number whose name LaTeX cannot read",
                [ chapter "cost" |> withNumbers [ "50%", "1" ] ],
                [ "'cost/50%'" ]
            ] do
            test $"{what} is a fault" {
                Faults.says<PaperException> words (fun () -> written "numbers" chapters |> ignore)
            }

        test "a chapter that was not published is a fault that names it" {
            use folder = new Scratch.Folder()

            Faults.says<PaperException> [ "'cost'"; "missing" ] (fun () ->
                Paper.read folder.Path [ "cost" ] |> ignore)
        }
    ]

let private references =
    testList "references" [
        test "a text that refers to what is there is let pass" {
            use folder = new Scratch.Folder()

            paper
                folder
                @"\val{memory-length/short} \input{generated/reach} \includegraphics[width=\textwidth]{generated/accuracy}"
            |> Paper.require
        }

        test "what is not there is listed in one sentence, each once" {
            use folder = new Scratch.Folder()

            let text =
                @"\val{memory-length/short}, \val{memory-length/long}, \val{memory-length/long}, \val{cost/a}
                  \input{generated/flow} \includegraphics{generated/flow} 50\% \val{cost/b} % \val{cost/comment}"

            let paper = paper folder text

            Expect.equal
                (Paper.missing paper)
                [
                    "the number 'memory-length/long'"
                    "the number 'cost/a'"
                    "the number 'cost/b'"
                    "the table 'flow'"
                    "the figure 'flow'"
                ]
                "comments do not count"

            Faults.says<PaperException> [ "'memory-length/long'"; "the table 'flow'" ] (fun () ->
                Paper.require paper)
        }

        test "the paper names chapters and sources that there are" {
            let folder = Path.Combine(Scratch.repository.Value, "paper")
            let text = Regex.Replace(File.ReadAllText(Path.Combine(folder, "paper.tex")), @"(?<!\\)%.*", "")

            let found (pattern: string) (text: string) = [
                for found in Regex.Matches(text, pattern) do
                    yield! found.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries)
            ]

            let chapters =
                [ "study"; "claims"; "figure"; "table" ]
                @ [ for part in StudyParts.all -> part.Chapter ]

            let named = found @"\\val\{([^}/#]+)/" text |> List.distinct
            Expect.equal (List.except chapters named) [] "chapters"
            let cited = found @"\\cite\w*\{([^}]+)\}" text |> List.distinct |> List.sort
            let listed = found @"@\w+\{([^,]+)," (File.ReadAllText(Path.Combine(folder, "references.bib")))
            Expect.equal cited (List.sort listed) "all that is listed is cited, and the other way round"
        }
    ]

let private budgets =
    testList "budgets" [
        test "the study made last is the one whose report is the newest" {
            use folder = new Scratch.Folder()
            Expect.isNone (Paper.lastBudget folder.Path) "none was made"

            for budget, age in [ "smoke", 1.0; "full", 2.0 ] do
                let file = folder.File $"report/{budget}/cost.json"
                Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore
                File.WriteAllText(file, "{}")
                File.SetLastWriteTimeUtc(file, DateTime.UtcNow - TimeSpan.FromHours age)

            Expect.equal (Paper.lastBudget folder.Path) (Some StudyBudget.Smoke) "an hour ago, not two"
        }
    ]

let tests = testList "Paper" [ files; references; budgets ]
