/// The F# blocks of all pages, run one after the other by one `ntmlab run`, with small budgets.
module NtmLab.Tests.Docs.ScriptBlocks

open System
open System.IO
open System.Text.RegularExpressions
open NtmLab.Tests
open NtmLab.Tests.Cli

/// The blocks that need the packages are run by those who have nothing else: see Consumers.
let private needsPackages (block: Block) : bool = block.Page = "docs/library.md"

/// The F# blocks that run in the checkout.
let blocks: Lazy<Block list> =
    lazy
        (Block.pages.Value
         |> List.collect (fun page -> Block.on page "fsharp")
         |> List.filter (needsPackages >> not))

let private prelude = "#load \"prelude.fsx\"\n"

let private names =
    "open NtmLab\nopen NtmLab.Memory\nopen NtmLab.Models\nopen NtmLab.Tasks\nopen NtmLab.Training\n"

/// A block as a script of its own: a block without a beginning gets one, and one line of an experiment the experiment around it.
let private script (block: Block) : string =
    let text = block.Text

    if text.Contains prelude then
        text
    elif Regex.IsMatch(text, @"^open ", RegexOptions.Multiline) then
        prelude + text
    elif Regex.IsMatch(text, @"\A(preset|task|model|training|evaluation|compute|seed|summary)\b") then
        let lines = text.TrimEnd().Split '\n' |> Array.map (fun line -> "    " + line)
        let ingredients = String.Join("\n", lines)
        $"{prelude}{names}\nexperiment \"fragment\" {{\n    task (CopyTask())\n    model (NtmOptions())\n{ingredients}\n}}\n|> ignore\n"
    else
        $"{prelude}{names}\n{text}"

/// What a block prints when it came to its end.
let mark (block: Block) : string = $"ran {block.Place}"

/// What running them all left.
let outcome: Lazy<CommandLine.Outcome> =
    lazy
        use folder = new Scratch.Folder()
        let artifacts = Path.Combine(Scratch.repository.Value, "artifacts")

        File.WriteAllText(
            folder.File "prelude.fsx",
            File
                .ReadAllText(Path.Combine(Scratch.repository.Value, "experiments", "prelude.fsx"))
                .Replace("\"../artifacts", $"\"{artifacts.Replace('\\', '/')}")
        )

        let loads = [
            for block in blocks.Value do
                let name = Regex.Replace(block.Place, @"\W", "_") + ".fsx"
                File.WriteAllText(folder.File name, $"{script block}\nprintfn \"{mark block}\"\n")
                $"#load \"{name}\""
        ]

        File.WriteAllText(folder.File "all.fsx", String.Join("\n", loads) + "\n")

        CommandLine.run [
            "run"
            folder.File "all.fsx"
            "--runs"
            folder.File "runs"
            for change in [ "training.sequences=32"; "evaluation.lengths=2,3"; "evaluation.sequences=2" ] do
                "--set"
                change
        ]
