module NtmLab.Tests.RepositoryTests

open System
open System.Diagnostics
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

/// What a program says in the checkout.
let private said (program: string) (arguments: string list) : string =
    let info =
        ProcessStartInfo(
            program,
            arguments,
            WorkingDirectory = Scratch.repository.Value,
            RedirectStandardOutput = true,
            UseShellExecute = false
        )

    info.Environment["MSBUILDDISABLENODEREUSE"] <- "1"
    use running = nonNull (Process.Start info)
    let output = running.StandardOutput.ReadToEnd()
    running.WaitForExit()
    Expect.equal running.ExitCode 0 $"{program}: {output}"
    output.Trim()

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

        test "a version names its commit, and says where sources differ from it" {
            let version =
                said "dotnet" [
                    "msbuild"
                    "src/NtmLab.Kernels/NtmLab.Kernels.csproj"
                    "-t:AddSourceRevisionToInformationalVersion"
                    "-getProperty:InformationalVersion"
                ]

            // Also in a checkout of another user's.
            let git (arguments: string list) : string = said "git" ([ "-c"; "safe.directory=*" ] @ arguments)

            let commit = git [ "rev-parse"; "HEAD" ]

            let changes =
                git [
                    "status"
                    "--porcelain"
                    "--"
                    "src"
                    "Directory.Build.props"
                    "Directory.Build.targets"
                    "paket.lock"
                ]

            let marked = if changes = "" then commit else commit + ".changed"
            Expect.stringEnds version $"+{marked}" "the version that runs record"
        }

        test "the page on policies has a row for each of the catalogue" {
            let page = File.ReadAllText(Path.Combine(Scratch.repository.Value, "docs/policies.md"))

            for entry in NtmLab.Configuration.Catalog.Policies do
                Expect.stringContains page $"\n| `{entry.Name}` |" "docs/policies.md"
        }
    ]
