module NtmLab.Tests.Docs.PageTests

open System.IO
open System.Text.RegularExpressions
open Expecto
open NtmLab.Tests

let private text (path: string) : string =
    File.ReadAllText(Path.Combine(Scratch.repository.Value, path)).ReplaceLineEndings "\n"

/// Pages that show a script of `experiments`, or a part of one.
let private shown = [
    "README.md", "experiments/copy.fsx"
    "docs/policies.md", "experiments/my_policy.fsx"
    "docs/tasks.md", "experiments/my-task.fsx"
]

let private languages = set [ ""; "text"; "fsharp"; "csharp"; "xml"; "python" ]

/// What a heading is called in an address.
let private slug (heading: string) : string =
    Regex.Replace(heading.Trim().ToLowerInvariant(), @"[^\w\- ]", "").Replace(' ', '-')

let private headings (page: string) : string list = [
    for found in Regex.Matches(text page, @"^#+ (.*)$", RegexOptions.Multiline) do
        slug found.Groups[1].Value
]

/// The links of a page that lead to no file of the checkout, or to no heading of a page.
let private deadLinks (page: string) : string list = [
    for found in Regex.Matches(text page, @"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)") do
        let path, heading = found.Groups[1].Value, found.Groups[2].Value
        let folder = string (Path.GetDirectoryName page)
        let full = Path.GetFullPath(Path.Combine(Scratch.repository.Value, folder, path))

        let file =
            if path = "" then
                page
            else
                Path.GetRelativePath(Scratch.repository.Value, full)

        if not (File.Exists(Path.Combine(Scratch.repository.Value, file))) then
            $"{page}: {path}"
        elif heading <> "" && not (List.contains heading (headings file)) then
            $"{page}: {path}#{heading}"
]

let tests =
    testList "Pages" [
        test "every block is of a language that the tests know how to run" {
            let unknown = [
                for page in Block.pages.Value do
                    for block in Block.ofPage page do
                        if not (languages.Contains block.Language) then
                            $"{block.Place}: {block.Language}"

                        // PyTorchTests runs the Python of the page on interchange, PackageTests the project of the page on packages.
                        if block.Language = "python" && page <> "docs/interchange.md" then
                            $"{block.Place}: nothing runs this Python"

                        if block.Language = "xml" && page <> "docs/library.md" then
                            $"{block.Place}: nothing builds this project"
            ]

            Expect.equal unknown [] "what is not run goes stale"
        }

        test "every fence is closed" {
            for page in Block.pages.Value do
                let fences = (text page).Split '\n' |> Array.filter (fun line -> line.StartsWith "```")

                Expect.equal (fences.Length % 2) 0 page
        }

        test "every link leads to a file and a heading that there are" {
            Expect.equal (List.collect deadLinks Block.pages.Value) [] "nothing else is in the checkout"
        }

        for page, script in shown do
            test $"{page} shows {script} as it is" {
                let found =
                    Block.on page "fsharp"
                    |> List.filter (fun block -> (text script).Contains(block.Text.Trim()))

                Expect.equal found.Length 1 "one block is from there, word for word"
            }

        for block in ScriptBlocks.blocks.Value do
            test $"the F# of {block.Place} runs" {
                let outcome = ScriptBlocks.outcome.Value
                let ran = outcome.Output.Contains(ScriptBlocks.mark block)
                Expect.isTrue ran $"it did not come to its end: {outcome.Errors}"
            }

        test "every command has a verb and options that there are" {
            Expect.equal (List.collect Commands.faults Commands.all.Value) [] "verbs, options and scripts"
        }

        test "the commands that take a moment run" {
            use folder = new Scratch.Folder()
            Expect.equal (List.collect Commands.run (Commands.quick folder.Path)) [] "as the pages show them"
        }
    ]
