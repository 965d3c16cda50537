module NtmLab.Tests.RepositoryTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto

let private generated = set [ ".git"; ".paket"; "artifacts"; "bin"; "obj"; "paket-files"; "runs" ]

/// All files of the checkout that are not generated.
let private files: Lazy<string list> =
    let rec below (folder: string) = [
        yield! Directory.EnumerateFiles folder

        for inner in Directory.EnumerateDirectories folder do
            if not (generated.Contains(nonNull (Path.GetFileName inner))) then
                yield! below inner
    ]

    lazy (below Scratch.repository.Value)

let private named (name: string) : string list =
    files.Value |> List.filter (fun file -> Path.GetFileName file = name)

/// The lines of files that match a pattern, each with its place.
let private lines (pattern: string) (files: string list) : string list = [
    for file in files do
        for number, line in Seq.indexed (File.ReadLines file) do
            if Regex.IsMatch(line, pattern) then
                $"{Path.GetRelativePath(Scratch.repository.Value, file)}:{number + 1}: {line.Trim()}"
]

let private packageFiles () : string list = named "paket.dependencies" @ named "paket.lock"

let tests =
    testList "Repository" [
        test "package files are found" {
            Expect.isNonEmpty (named "paket.dependencies") "paket.dependencies"
            Expect.isNonEmpty (named "paket.lock") "paket.lock"
        }

        test "package files hold no URL" {
            Expect.equal (lines "://" (packageFiles ())) [] "feeds come from the user's machine"
        }

        test "package files hold no registry's host" {
            let hosts =
                @"(?i)(nuget\.org|pkgs\.|feeds?\.|/v3/|index\.json|artifactory|\bproxy\b|localhost|\d+\.\d+\.\d+\.\d+:\d+)"

            Expect.equal (lines hosts (packageFiles ())) [] "feeds come from the user's machine"
        }

        test "every source and remote is the variable" {
            let foreign =
                lines @"^\s*(source|remote:|cache|git|github|gist|http)\b" (packageFiles ())
                |> List.filter (fun line -> not (Regex.IsMatch(line, @"(source|remote:) %NTMLAB_FEED%$")))

            Expect.equal foreign [] "nothing comes from anywhere else"
        }

        test "every test file is compiled" {
            let folder = Path.Combine(Scratch.repository.Value, "tests", "NtmLab.Tests")
            let project = File.ReadAllText(Path.Combine(folder, "NtmLab.Tests.fsproj"))

            let missing = [
                for file in files.Value do
                    if
                        file.StartsWith(folder, StringComparison.Ordinal)
                        && file.EndsWith(".fs", StringComparison.Ordinal)
                    then
                        let name = Path.GetRelativePath(folder, file).Replace('\\', '/')

                        if not (project.Contains $"\"{name}\"") then
                            name
            ]

            Expect.equal missing [] "a file that is not in the project tests nothing"
        }

        test "the page on policies has a row for each of the catalogue" {
            let page = File.ReadAllText(Path.Combine(Scratch.repository.Value, "docs/policies.md"))

            for entry in NtmLab.Configuration.Catalog.Policies do
                Expect.stringContains page $"\n| `{entry.Name}` |" "docs/policies.md"
        }
    ]
